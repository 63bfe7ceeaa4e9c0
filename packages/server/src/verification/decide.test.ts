import { type VerdictCode, verdictCodes } from '@keyturn/contract'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { never } from '../kernel/instant.ts'
import { decide, type VerifyDemand, type VerifyRecord } from './decide.ts'
import { hintFor } from './hints.ts'

const now = Date.UTC(2027, 0, 1)
const hour = 3_600_000

const good: VerifyRecord = {
  secretId: 'sec_1',
  slot: 'primary',
  primaryFrom: never,
  warnBefore: 0,
  end: never,
  endCode: 'EXPIRED',
  keyId: 'key_1',
  kind: 'secret',
  environment: 'live',
  name: 'Zapier',
  owner: null,
  scopes: ['read', 'write'],
  allowedIps: ['203.0.113.0/24'],
  metadata: {},
  limits: null,
  state: 'active',
  management: null,
  project: { organizationId: 'org_1', projectId: 'prj_1', projectSlug: 'web', apiAccess: true, stale: false },
}
const fitting: VerifyDemand = { project: 'prj_1', kinds: ['secret'], scopes: ['read'], ip: '203.0.113.7' }

type Case = { record: VerifyRecord; demand: VerifyDemand }
const withRecord = (fields: Partial<VerifyRecord>) => (one: Case) => ({
  ...one,
  record: { ...one.record, ...fields },
})
const withDemand = (demand: VerifyDemand) => (one: Case) => ({ ...one, demand: { ...one.demand, ...demand } })

/** What can be wrong, each alone, in the order in which it is told. */
const faults: [VerdictCode, (one: Case) => Case][] = [
  ['NOT_FOUND', withRecord({ state: 'deleted' })],
  ['REVOKED', withRecord({ state: 'revoked' })],
  ['DISABLED', withRecord({ state: 'disabled' })],
  ['REVOKED', withRecord({ end: now - 3 * hour, endCode: 'REVOKED' })],
  ['ROTATED', withRecord({ end: now - 2 * hour, endCode: 'ROTATED' })],
  ['EXPIRED', withRecord({ end: now - hour, endCode: 'EXPIRED' })],
  ['API_ACCESS_DISABLED', withRecord({ project: { ...good.project, apiAccess: false } })],
  ['WRONG_PROJECT', withDemand({ project: 'prj_2' })],
  ['WRONG_KIND', withDemand({ kinds: ['jwt'] })],
  ['IP_NOT_ALLOWED', withDemand({ ip: '198.51.100.1' })],
  ['INSUFFICIENT_SCOPE', withDemand({ scopes: ['read', 'admin'] })],
]

describe('a verdict', () => {
  it('is VALID where nothing is wrong', () => {
    expect(decide(good, fitting, now)).toBe('VALID')
    expect(decide(good, { ip: '203.0.113.7' }, now)).toBe('VALID')
  })

  it('names the first thing that is wrong, in one order, however many there are', () => {
    fc.assert(
      fc.property(fc.subarray([...faults.keys()], { minLength: 1 }), (chosen) => {
        // The last first: of two that are one field, as states are, the one that is told earlier stays.
        const { record, demand } = chosen.reduceRight<Case>((one, at) => faults[at]?.[1](one) ?? one, {
          record: good,
          demand: fitting,
        })
        expect(decide(record, demand, now)).toBe(faults[chosen[0] ?? 0]?.[0])
      }),
      { numRuns: 1000 },
    )
  })

  it('comes in the order of the contract, but that what somebody set comes before what the clock did', () => {
    const told = [...new Set(faults.map(([code]) => code))]
    const ofContract = verdictCodes.filter((code) => told.includes(code))
    expect(told.filter((code) => code !== 'DISABLED')).toEqual(ofContract.filter((code) => code !== 'DISABLED'))
  })

  it('turns at the very millisecond of the end', () => {
    const { record } = withRecord({ end: now })({ record: good, demand: fitting })
    expect([now - 1, now].map((time) => decide(record, fitting, time))).toEqual(['VALID', 'EXPIRED'])
  })

  it('takes a project by its id or by its slug', () => {
    for (const project of ['prj_1', 'web']) expect(decide(good, { ...fitting, project }, now)).toBe('VALID')
    for (const project of ['prj_2', 'Web', '']) expect(decide(good, { ...fitting, project }, now)).toBe('WRONG_PROJECT')
  })

  it('lets a publishable value not pass for a server’s, unless that is asked for', () => {
    const { record } = withRecord({ kind: 'publishable' })({ record: good, demand: fitting })
    expect(decide(record, { ip: '203.0.113.7' }, now)).toBe('WRONG_KIND')
    expect(decide(record, { ip: '203.0.113.7', kinds: ['publishable'] }, now)).toBe('VALID')
  })

  it('on a key that is bound to addresses is never VALID without one', () => {
    const { ip: _, ...withoutAddress } = fitting
    expect(decide(good, withoutAddress, now)).toBe('IP_NOT_ALLOWED')
    const { record } = withRecord({ allowedIps: [] })({ record: good, demand: fitting })
    expect(decide(record, withoutAddress, now)).toBe('VALID')
  })

  it('wants every scope that was asked for', () => {
    expect(decide(good, { ...fitting, scopes: ['read', 'write'] }, now)).toBe('VALID')
    expect(decide(good, { ...fitting, scopes: ['Read'] }, now)).toBe('INSUFFICIENT_SCOPE')
    expect(decide(good, { ...fitting, scopes: [] }, now)).toBe('VALID')
  })
})

describe('a refusal', () => {
  it.each(faults)('says why and what to do: %s', (code, spoil) => {
    const { record, demand } = spoil({ record: good, demand: fitting })
    expect(hintFor(code, record, demand)).toMatch(/^[A-Z].{20,}\.$/)
  })
})
