import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { digest, everySort, mailTime, reminderItem, trackedItem } from '../../test/support/mail-models.ts'
import { reminderMail } from './reminder-mail.ts'
import { shownText } from './shown-text.ts'

const hour = 3_600_000
const day = 24 * hour
const mailOf = (...items: ReturnType<typeof reminderItem>[]) => reminderMail(digest(items))
const labels = (html: string) => [...html.matchAll(/<a href="[^"]*\/(\w+)"/g)].map(([, way]) => way)

describe('a subject line says it all', () => {
  it.each([
    ['Zapier, production: ends in 14 days, on 5 December', [reminderItem()]],
    ['Zapier, production: ends in 14 hours, on 21 November', [reminderItem({ endsAt: mailTime + 14.5 * hour })]],
    [
      'Zapier, production: ends in 1 day, on 1 January 2027',
      [reminderItem({ endsAt: Date.UTC(2026, 11, 31, 23, 30) })],
      Date.UTC(2026, 11, 30, 22, 30),
    ],
    ['Zapier, production: has ended, on 18 November', [reminderItem({ threshold: 0, endsAt: mailTime - 3 * day })]],
    [
      'Zapier, production: the old secret ends in 1 hour, on 21 November',
      [reminderItem({ reason: 'overlap_end', endsAt: mailTime + hour })],
    ],
    [
      'Zapier, production: a new secret is due in 5 days, on 26 November',
      [reminderItem({ reason: 'rotation_due', endsAt: mailTime + 5 * day })],
    ],
    [
      'Zapier, production: a new secret is due, since 18 November',
      [reminderItem({ reason: 'rotation_due', threshold: 0, endsAt: mailTime - 3 * day })],
    ],
    [
      'Zapier, production: has ended and is still called',
      [reminderItem({ reason: 'used_after_end', threshold: 0, endsAt: mailTime - day })],
    ],
    [
      '3 keys end soon: Zapier in 1 day, Warehouse in 7 days, Billing in 14 days',
      [
        reminderItem({ keyId: 'key_3', keyName: 'Billing' }),
        reminderItem({ keyId: 'key_1', keyName: 'Zapier', endsAt: mailTime + day }),
        reminderItem({ keyId: 'key_2', keyName: 'Warehouse', endsAt: mailTime + 7 * day }),
      ],
    ],
    [
      '4 keys and 1 credential need a look: Warehouse has ended and is still called, Back office: the old secret ends in 1 hour, Payments ends in 1 day, …',
      everySort(),
    ],
  ])('%s', (subject, items, now = mailTime) => {
    expect(reminderMail(digest(items, { now })).subject).toBe(subject)
  })
})

describe('a mail', () => {
  it('says in its first two lines what will happen to which key, and when, by the clock of its reader', () => {
    const lines = (timeZone: string) =>
      reminderMail(digest([reminderItem()], { timeZone }))
        .text.split('\n')
        .slice(0, 2)
    expect(lines('Europe/Vienna')).toEqual([
      'Zapier, production ends in 14 days',
      'It ends on Saturday 5 December 2026 at 11:00 CET. Calls with it are refused from then on.',
    ])
    expect(lines('Asia/Kolkata')[1]).toContain('at 15:30 GMT+5:30')
    // A name of a zone that this machine does not know loses nobody their mail.
    expect(lines('Mars/Olympus')[1]).toContain('at 10:00 UTC')
  })

  it('says whose it is and what still uses it, since when, from where, in text and HTML alike', () => {
    const { text, html } = mailOf(reminderItem())
    for (const fact of [
      'key_01m7xr9hpztv01xznsg9z36ten, secret kt_live_HlZb…LVd1',
      'Storefront',
      'ada@example.com',
      'team@example.com',
      'In use; last called 3 hours ago, on Saturday 21 November 2026 at 05:00 CET, from 203.0.113.7 (curl/8.5.0)',
    ])
      expect([text.includes(fact), html.includes(fact)], fact).toEqual([true, true])
    expect(mailOf(reminderItem({ lastUsedAt: null, inUse: false })).text).toContain('Use: Never called')
    expect(mailOf(reminderItem({ inUse: false, lastUsedAt: mailTime - 40 * day })).text).toContain(
      'Use: Not in the last 30 days; last called 40 days ago',
    )
  })

  it('counts days as people do, also where a clock is put forward in between', () => {
    const now = Date.UTC(2027, 2, 27, 7)
    const { subject } = reminderMail(digest([reminderItem({ endsAt: Date.UTC(2027, 2, 29, 6, 30) })], { now }))
    expect(subject).toBe('Zapier, production: ends in 2 days, on 29 March')
  })

  it('offers only ways out that there are', () => {
    expect(labels(mailOf(reminderItem()).html)).toEqual(['rotate', 'extend', 'lapse'])
    expect(labels(mailOf(reminderItem({ kind: 'jwt' })).html)).toEqual(['rotate', 'lapse'])
    expect(labels(mailOf(reminderItem({ threshold: 0, endsAt: mailTime - 1 })).html)).toEqual(['rotate'])
    expect(labels(mailOf(reminderItem({ reason: 'overlap_end' })).html)).toEqual(['extend', 'lapse'])
    expect(labels(mailOf(reminderItem({ reason: 'rotation_due' })).html)).toEqual(['rotate', 'lapse'])
    expect(labels(mailOf(reminderItem({ reason: 'used_after_end', threshold: 0 })).html)).toEqual(['rotate'])
    expect(labels(mailOf(trackedItem()).html)).toEqual(['lapse'])
    for (const item of everySort())
      expect([...mailOf(item).text.matchAll(/^https:.*\/(\w+)$/gm)].map(([, way]) => way)).toEqual(
        labels(mailOf(item).html),
      )
  })

  it('tells of a credential of somebody else where to renew it, and that its new value is to be made known', () => {
    const { text } = mailOf(trackedItem())
    expect(text).toContain('Renew it at https://issuer.example')
    expect(text).toContain('make the new value known')
  })

  it('of very many keys stays short enough to be shown whole, and says how many there are', () => {
    const items = Array.from({ length: 1000 }, (_, number) => reminderItem({ keyId: `key_${number}` }))
    const { subject, html } = reminderMail(digest(items))
    expect(subject).toMatch(/^1000 keys end soon: /)
    expect(html).toContain('990 more')
    expect(Buffer.byteLength(html)).toBeLessThan(102_000)
  })
})

describe('what somebody else wrote', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.constantFrom(
      'a\r\nBcc: b@example.com',
      '"><script>alert(1)</script>',
      "'onmouseover='alert(1)",
      '\u202Egnp.exe',
      'שלום עולם',
      '\u2067\u2067\u2067',
      'a'.repeat(10_000),
      '👩‍👩‍👧‍👦'.repeat(5_000),
      `e${'\u0301'.repeat(10_000)}`,
      'Zаpier',
      '</title></head>',
      '<!--',
      '\ud800',
      '\0',
    ),
  )
  const names = (html: string) => [...html.matchAll(/<(\/?[a-z0-9]+|!--[^>]*--)[^<>]*>/g)].map(([, name]) => name)
  const tame = names(reminderMail(digest(everySort())).html)

  it('is harmless in subject, text and HTML', () => {
    fc.assert(
      fc.property(hostile, hostile, (first, second) => {
        const items = everySort().map((item) => ({
          ...item,
          keyName: first,
          projectName: second,
          owner: item.owner === null ? null : first,
          contact: second,
          lastAddress: second,
          lastUserAgent: first,
          issuer: item.tracked ? second : null,
        }))
        const { subject, text, html } = reminderMail(digest(items, { organizationName: first, recipient: second }))
        expect(subject).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u)
        expect(subject.length).toBeLessThan(180 * 8 + 10)
        expect(text).not.toMatch(/[^\P{Cc}\n]|[\p{Zl}\p{Zp}\p{Cs}\u202A-\u202E\u2066\u2067]/u)
        // The same elements in the same order, whatever is in the names: none was added, none was closed.
        expect(names(html)).toEqual(tame)
        for (const line of [subject, ...text.split('\n')])
          expect(line.split('\u2068').length, JSON.stringify(line)).toBe(line.split('\u2069').length)
      }),
      { numRuns: 200 },
    )
  })

  it('is cut at characters as people count them, and goes its own way without taking others along', () => {
    expect(shownText('👩‍👩‍👧‍👦'.repeat(9), 3)).toBe(`${'👩‍👩‍👧‍👦'.repeat(2)}…`)
    expect(shownText('Zapier,   production\r\n', 80)).toBe('Zapier, production')
    expect(shownText('שלום', 80)).toBe('\u2068שלום\u2069')
    expect(shownText('a\u202Eb\u200Bc', 80)).toBe('abc')
    expect(shownText(`e${'\u0301'.repeat(50)}`, 80)).toBe(`e${'\u0301'.repeat(4)}`)
  })
})
