import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nextMorning } from './morning.ts'
import { isUrgent, recipientsOf, type Told } from './reminder-sending.ts'

const hour = 3_600_000
const day = 24 * hour
const told = (fields: Partial<Told> = {}): Told => ({
  reason: 'expiry',
  threshold: 30 * 86_400,
  endsAt: 100 * day,
  owner: 'owner@x.example',
  contact: 'team@x.example',
  inUse: false,
  ...fields,
})
const audience = {
  administrators: ['admin@x.example'],
  gone: new Set(['gone@x.example']),
  notificationEmail: 'all@x.example',
  channels: [] as string[],
}

describe('who is told', () => {
  it('owner and contact; from seven days on the administrators too; each once', () => {
    expect(recipientsOf(told(), audience)).toEqual(['owner@x.example', 'team@x.example'])
    const near = told({ threshold: 7 * 86_400, contact: 'admin@x.example' })
    expect(recipientsOf(near, audience)).toEqual(['owner@x.example', 'admin@x.example'])
    for (const reason of ['overlap_end', 'used_after_end'] as const)
      expect(recipientsOf(told({ reason }), audience)).toContain('admin@x.example')
  })

  it('never somebody who is gone, and never nobody where there is anybody', () => {
    const addresses = fc.constantFrom('a@x.example', 'gone@x.example', null)
    const arbitraryAudience = fc.record({
      administrators: fc.constantFrom([], ['admin@x.example']),
      gone: fc.constant(audience.gone),
      notificationEmail: fc.constantFrom(null, 'all@x.example'),
      channels: fc.constantFrom([], ['box@x.example']),
    })
    const thresholds = fc.constantFrom(0, 86_400, 60 * 86_400)
    fc.assert(
      fc.property(addresses, addresses, thresholds, arbitraryAudience, (owner, contact, threshold, whom) => {
        const found = recipientsOf(told({ owner, contact, threshold }), whom)
        expect(found).not.toContain('gone@x.example')
        expect(new Set(found).size).toBe(found.length)
        const anybody = [owner, contact].some((one) => one === 'a@x.example')
        if (anybody || whom.administrators.length > 0 || whom.notificationEmail || whom.channels.length > 0)
          expect(found.length).toBeGreaterThan(0)
        if (owner !== 'a@x.example' && whom.administrators.length === 0 && whom.notificationEmail)
          expect(found).toContain('all@x.example')
      }),
    )
  })

  it('team mailboxes of everything', () => {
    expect(recipientsOf(told(), { ...audience, channels: ['box@x.example'] })).toContain('box@x.example')
  })
})

describe('at once', () => {
  const now = 99 * day + hour
  const morning = 99 * day + 8 * hour
  it.each([
    ['what ends within a day and is in use', { inUse: true, endsAt: now + day }, true],
    ['not what ends within a day and is not', { endsAt: now + day }, false],
    ['what would be over by the next morning', { endsAt: morning }, true],
    ['not what nobody knows the use of', { inUse: null, endsAt: now + day }, false],
    ['the last hour of an overlap', { reason: 'overlap_end' as const, threshold: 3600, endsAt: now + 3 * day }, true],
    ['calls after the end', { reason: 'used_after_end' as const, threshold: -5 }, true],
    ['not a rotation that is wanted', { reason: 'rotation_due' as const, inUse: true, endsAt: now }, false],
    ['not what has ended unused', { threshold: 0, endsAt: now }, false],
  ] as const)('%s', (_, fields, urgent) => {
    expect(isUrgent(told(fields), morning, now)).toBe(urgent)
  })
})

describe('the next morning', () => {
  const zones = ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kathmandu', 'Pacific/Apia', 'Australia/Lord_Howe']
  const local = (zone: string, instant: number) =>
    new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(
      instant,
    )

  it('is 8:00 on the wall, later than a minute from now and not later than a day, in every zone and season', () => {
    const times = fc.integer({ min: Date.parse('2024-01-01'), max: Date.parse('2031-01-01') })
    fc.assert(
      fc.property(fc.constantFrom(...zones), times, (zone, now) => {
        const morning = nextMorning(zone, now)
        expect(local(zone, morning)).toBe('08:00:00')
        expect(morning - now).toBeGreaterThanOrEqual(60_000)
        expect(morning - now).toBeLessThanOrEqual(25 * hour + 60_000)
      }),
      { numRuns: 300 },
    )
  })

  it('is that of UTC where the zone is none', () => {
    expect(nextMorning('Mars/Olympus', Date.parse('2027-05-05T05:00:00Z'))).toBe(Date.parse('2027-05-05T08:00:00Z'))
  })
})
