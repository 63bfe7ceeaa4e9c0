import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { VerifyRecord } from './decide.ts'
import { PackedRecords } from './packed-records.ts'

const project = { organizationId: 'org_1', projectId: 'prj_1', projectSlug: 'web', apiAccess: true, stale: false }
const digestOf = (number: number) => createHash('sha256').update(String(number)).digest('latin1')
const idOf = (kind: string, number: number) => `${kind}_${String(number).padStart(26, '0')}`

const recordOf = (number: number, name: string): VerifyRecord => ({
  secretId: idOf('sec', number),
  slot: number % 2 === 0 ? 'primary' : 'secondary',
  primaryFrom: number % 2 === 0 ? Number.POSITIVE_INFINITY : 1_800_000_000_000 + number,
  warnBefore: 60_000 * (number % 3),
  end: number % 3 === 0 ? Number.POSITIVE_INFINITY : 1_900_000_000_000 + number,
  endCode: 'EXPIRED',
  keyId: idOf('key', number),
  kind: 'secret',
  environment: 'live',
  name,
  owner: number % 4 === 0 ? null : `user${number % 7}@example.com`,
  scopes: [`scope${number % 3}`],
  allowedIps: [],
  metadata: {},
  limits: number % 5 === 0 ? { windows: [{ limit: 1 + (number % 3), window_seconds: 60 }], quota: null } : null,
  state: 'active',
  management: null,
  project,
})

// Names that fit beside the ids, that are just too long, and that are not Latin-1.
const name = fc.oneof(
  fc.string({ maxLength: 34, unit: 'grapheme-ascii' }),
  fc.constantFrom('', ' a b ', 'é'.repeat(34), 'é'.repeat(35), 'x'.repeat(120), '請求書', 'key_ sec_', '\ud800'),
)
const step = fc.record({
  number: fc.nat(40),
  name,
  drop: fc.boolean(),
  clear: fc.nat(30).map((chance) => chance === 0),
})

describe('packed records', () => {
  it('come out as they went in: compared with a plain map', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.array(step, { maxLength: 150 }), (most, steps) => {
        const packed = new PackedRecords(most)
        const all = new Map<string, VerifyRecord>()
        for (const { number, name: of, drop, clear } of steps) {
          if (clear) {
            packed.clear()
            all.clear()
          }
          const digest = digestOf(number)
          packed.delete(digest)
          all.delete(digest)
          if (drop) continue
          packed.add(digest, recordOf(number, of))
          all.set(digest, recordOf(number, of))
          expect(packed.get(digest)).toEqual(all.get(digest))
        }
        expect(packed.size).toBeLessThanOrEqual(most)
        let found = 0
        for (let number = 0; number <= 40; number++) {
          const record = packed.get(digestOf(number))
          if (!record) continue
          found++
          expect(record).toEqual(all.get(digestOf(number)))
        }
        expect(found).toBe(packed.size)
        if (all.size <= most && steps.length <= most) expect(found).toBe(all.size)
      }),
      { numRuns: 300 },
    )
  })

  it('are found among tens of thousands, and the oldest go first', () => {
    const packed = new PackedRecords(40_000)
    for (let number = 0; number < 50_000; number++) packed.add(digestOf(number), recordOf(number, `Customer ${number}`))
    expect(packed.size).toBe(40_000)
    for (let number = 0; number < 50_000; number += 997) {
      const wanted = number < 10_000 ? undefined : recordOf(number, `Customer ${number}`)
      expect(packed.get(digestOf(number))).toEqual(wanted)
    }
  })
})
