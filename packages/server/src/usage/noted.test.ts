import { endedCodes, type VerdictCode } from '@keyturn/contract'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countsOf, join, lastUseOf, noteCall, nothingOf } from './noted.ts'

interface Called {
  readonly code: VerdictCode
  readonly at: number
  readonly address: string | null
  readonly userAgent: string | null
}

const hourMs = 3_600_000
const called = fc.record({
  code: fc.constantFrom<VerdictCode>('VALID', 'VALID', 'VALID', 'ROTATED', 'EXPIRED', 'DISABLED'),
  wait: fc.constantFrom(1, 1000, hourMs / 2, 3 * hourMs),
  address: fc.constantFrom(null, '10.0.0.1', '10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6'),
  userAgent: fc.constantFrom(null, 'curl', 'node'),
})
const calls = fc.array(called, { maxLength: 25 }).map((list) => {
  let at = 1_000 * hourMs
  return list.map(({ wait, ...one }): Called => ({ ...one, at: (at += wait) }))
})

const isEnded = (code: VerdictCode) => (endedCodes as readonly VerdictCode[]).includes(code)
const lastOf = <T>(list: readonly T[]): T | null => list.at(-1) ?? null
const said = (list: readonly Called[], name: 'address' | 'userAgent') =>
  lastOf(list.map((one) => one[name]).filter((value) => value !== null))

/** The same, found by going through all calls anew for each answer. */
function naively(all: readonly Called[]) {
  const uses = all.filter(({ code }) => code === 'VALID')
  const refused = lastOf(all.filter(({ code }) => isEnded(code)))
  const seen: { address: string; at: number; userAgent: string | null }[] = []
  for (const { code, address, at, userAgent } of all) {
    if (address === null || (code !== 'VALID' && !isEnded(code))) continue
    const before = seen.findIndex((other) => other.address === address)
    const known = before < 0 ? null : (seen.splice(before, 1)[0]?.userAgent ?? null)
    seen.push({ address, at, userAgent: userAgent ?? known })
    if (seen.length > 5) seen.shift()
  }
  const counts = new Map<string, number>()
  for (const { code, at } of all) {
    const name = `${Math.floor(at / hourMs) * hourMs} ${code}`
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return {
    at: lastOf(uses)?.at ?? null,
    refused: refused && { code: refused.code, at: refused.at },
    address: said(uses, 'address'),
    userAgent: said(uses, 'userAgent'),
    addresses: seen.toReversed(),
    counts,
  }
}

function noted(all: readonly Called[]) {
  const one = nothingOf('key_1')
  for (const { code, at, address, userAgent } of all) noteCall(one, code, at, address, userAgent)
  return one
}

function expectSame(one: ReturnType<typeof nothingOf>, all: readonly Called[]) {
  const { counts, ...lastUse } = naively(all)
  const wanted =
    lastUse.at === null && lastUse.refused === null ? [] : [{ keyId: 'key_1', secretId: 'sec_1', ...lastUse }]
  expect(lastUseOf('sec_1', one)).toEqual(wanted)
  const found = countsOf('sec_1', one).map(({ hour, code, count }): [string, number] => [`${hour} ${code}`, count])
  expect(new Map(found)).toEqual(counts)
  expect(found.length).toBe(counts.size)
}

describe('what is noted of a secret', () => {
  it('is what a list of all its calls says', () => {
    fc.assert(
      fc.property(calls, (all) => expectSame(noted(all), all)),
      { numRuns: 500 },
    )
  })

  it('is the same where it was noted in two parts, because a flush failed between them', () => {
    fc.assert(
      fc.property(calls, fc.nat(25), (all, at) => {
        const older = noted(all.slice(0, at))
        join(older, noted(all.slice(at)))
        expectSame(older, all)
      }),
      { numRuns: 500 },
    )
  })
})
