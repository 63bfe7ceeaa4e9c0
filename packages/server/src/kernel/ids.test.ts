import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type IdKind, isIdOf, newId } from './ids.ts'

const kinds: IdKind[] = ['organization', 'project', 'key', 'secret', 'request']
const anyKind = fc.constantFrom(...kinds)
const anyInstant = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) })
/** As `collate "C"` does: by bytes. */
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

describe('an id', () => {
  it('made later sorts later, to the millisecond', () => {
    fc.assert(
      fc.property(anyKind, anyInstant, fc.integer({ min: 1, max: 1_000_000 }), (kind, earlier, distance) => {
        expect(byBytes(newId(kind, earlier), newId(kind, earlier + distance))).toBe(-1)
      }),
    )
  })

  it('tells its kind, and is of no other', () => {
    fc.assert(
      fc.property(anyKind, anyInstant, (kind, now) => {
        const id = newId(kind, now)
        expect(id).toMatch(/^[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}$/)
        expect(kinds.filter((candidate) => isIdOf(candidate, id))).toEqual([kind])
      }),
    )
  })

  it('is given once, however many are made in the same millisecond', () => {
    const ids = Array.from({ length: 20_000 }, () => newId('key', 1_800_000_000_000))
    expect(new Set(ids).size).toBe(ids.length)
  })
})
