import { describe, expect, it } from 'vitest'
import { isPublishedAt, type SigningKey, signingKeyStatusAt, signsUntil } from './signing-key.ts'

const hour = 3_600_000
const make = (number: number, signsFrom: number, fields: Partial<SigningKey> = {}): SigningKey => ({
  id: `sgk_${number}`,
  number,
  publicKey: new Uint8Array(32),
  createdAt: signsFrom - 900_000,
  createdBy: { type: 'system', id: null, name: 'Keyturn' },
  signsFrom,
  withdrawnAt: null,
  lastTokenEndsAt: null,
  ...fields,
})
const statuses = (keys: readonly SigningKey[], now: number) => keys.map((key) => signingKeyStatusAt(key, keys, now))
const published = (keys: readonly SigningKey[], now: number) =>
  keys.filter((key) => isPublishedAt(key, keys, now)).map(({ number }) => number)

describe('a signing key', () => {
  const keys = [make(1, 0, { lastTokenEndsAt: 10 * hour }), make(2, 2 * hour), make(3, 3 * hour)]

  it('is published first, signs until the next one does, and is retired then', () => {
    expect(statuses(keys, 0)).toEqual(['signing', 'published', 'published'])
    expect(statuses(keys, 2 * hour - 1)).toEqual(['signing', 'published', 'published'])
    expect(statuses(keys, 2 * hour)).toEqual(['retired', 'signing', 'published'])
    expect(statuses(keys, 3 * hour)).toEqual(['retired', 'retired', 'signing'])
    expect(keys.map((key) => signsUntil(key, keys))).toEqual([2 * hour, 3 * hour, Number.POSITIVE_INFINITY])
  })

  it('stays published until an hour after the last that it signed has ended, and never less than an hour after its last day', () => {
    expect(published(keys, 0)).toEqual([1, 2, 3])
    expect(published(keys, 4 * hour - 1)).toEqual([1, 2, 3])
    expect(published(keys, 4 * hour)).toEqual([1, 3])
    expect(published(keys, 11 * hour - 1)).toEqual([1, 3])
    expect(published(keys, 11 * hour)).toEqual([3])
  })

  it('that was withdrawn is published no more, whatever it has signed, and nobody waits for its successor', () => {
    const after = [make(1, 0, { lastTokenEndsAt: 10 * hour, withdrawnAt: hour }), make(2, hour)]
    expect(statuses(after, hour)).toEqual(['withdrawn', 'signing'])
    expect(published(after, hour)).toEqual([2])
  })

  it('whose successor was withdrawn before it signed goes on', () => {
    const after = [make(1, 0), make(2, 2 * hour, { withdrawnAt: hour }), make(3, 4 * hour)]
    expect(statuses(after, 3 * hour)).toEqual(['signing', 'withdrawn', 'published'])
  })
})
