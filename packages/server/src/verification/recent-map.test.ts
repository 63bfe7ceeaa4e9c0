import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RecentMap } from './recent-map.ts'

describe('what was asked for last', () => {
  it('is remembered, never more of it than there is room for, and nothing that was dropped', () => {
    const step = fc.record({ key: fc.nat(12).map(String), drop: fc.boolean() })
    fc.assert(
      fc.property(fc.nat(9), fc.array(step, { maxLength: 60 }), (most, steps) => {
        const recent = new RecentMap<number>(most)
        const all = new Map<string, number>()
        for (const [number, { key, drop }] of steps.entries()) {
          recent.delete(key)
          all.delete(key)
          if (!drop) {
            recent.set(key, number)
            all.set(key, number)
          }
          expect(recent.size).toBeLessThanOrEqual(most)
          for (let other = 0; other <= 12; other++) {
            const found = recent.get(String(other))
            if (found !== undefined) expect(found).toBe(all.get(String(other)))
          }
          if (!drop && most > 0) expect(recent.get(key)).toBe(number)
        }
      }),
    )
  })

  it('outlives what nobody asks for', () => {
    const recent = new RecentMap<number>(10)
    recent.set('asked for', 0)
    for (let number = 1; number < 100; number++) {
      recent.set(`other ${number}`, number)
      expect(recent.get('asked for')).toBe(0)
    }
    expect(recent.get('other 1')).toBeUndefined()
    expect(recent.get('other 99')).toBe(99)
  })
})
