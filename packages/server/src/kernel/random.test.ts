import { describe, expect, it } from 'vitest'
import { randomBase62, randomOctets } from './random.ts'

describe('random characters', () => {
  it('are as many as asked for, of 0-9 A-Z a-z alone', () => {
    for (const length of [0, 1, 32, 1000]) expect(randomBase62(length)).toMatch(new RegExp(`^[0-9A-Za-z]{${length}}$`))
  })

  it('come all equally often: none of the 62 is easier to guess', () => {
    const drawn = 620_000
    const counts = new Map<string, number>()
    for (const character of randomBase62(drawn)) counts.set(character, (counts.get(character) ?? 0) + 1)
    expect(counts.size).toBe(62)
    // Seven standard deviations: an even source fails this once in 6 billion runs, bytes taken modulo 62 always (they
    // give the first eight characters a quarter more).
    const expected = drawn / 62
    for (const [character, count] of counts)
      expect(Math.abs(count - expected), character).toBeLessThan(7 * Math.sqrt(expected))
  })

  it('never come twice', () => {
    const values = Array.from({ length: 10_000 }, () => randomBase62(32))
    expect(new Set(values).size).toBe(values.length)
    expect(randomOctets(32)).not.toEqual(randomOctets(32))
  })
})
