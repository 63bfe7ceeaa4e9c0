import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { never } from '../kernel/instant.ts'
import type { SecretRecord } from './key.ts'
import { endOf, isLive } from './secret.ts'
import { normalise, primaryFrom, slotAt } from './slots.ts'

const hour = 3_600_000
const start = Date.UTC(2027, 0, 1)
const time = fc.integer({ min: 0, max: 8 }).map((hours) => start + hours * hour)

const secretOf = (id: string, slot: SecretRecord['slot'], fields: Partial<SecretRecord>): SecretRecord => ({
  id,
  keyId: 'key_1',
  slot,
  hint: '',
  value: null,
  createdAt: start - hour,
  expiresAt: never,
  retiresAt: null,
  overlapStartedAt: null,
  endedAt: null,
  endedBy: null,
  ...fields,
})

/** Two secrets as operations leave them, each with an end of its own. */
const pair = fc
  .record({ primary: fc.oneof(time, fc.constant(never)), secondary: time, retires: fc.boolean() })
  .map(({ primary, secondary, retires }) => [
    secretOf('first', 'primary', { expiresAt: primary }),
    secretOf('second', 'secondary', retires ? { retiresAt: secondary } : { expiresAt: secondary }),
  ])

describe('the slot of a secret', () => {
  it('is that which it has among the live ones, at every time', () => {
    fc.assert(
      fc.property(pair, time, (secrets, now) => {
        const slots = normalise(secrets, now)
        for (const secret of secrets.filter((one) => isLive(one, now))) {
          const isPrimary = slots.state !== 'none' && slots.primary.id === secret.id
          expect(slotAt(secret, secrets, now)).toBe(isPrimary ? 'primary' : 'secondary')
        }
      }),
    )
  })

  it('of one that has ended stays what it was in its last moment, whatever comes after', () => {
    fc.assert(
      fc.property(pair, time, time, (secrets, now, next) => {
        for (const secret of secrets.filter((one) => !isLive(one, now))) {
          const last = slotAt(secret, secrets, endOf(secret) - 1)
          const later = [...secrets, secretOf('third', 'primary', { createdAt: now, expiresAt: now + next })]
          expect(slotAt(secret, later, now)).toBe(last)
        }
      }),
    )
  })

  it('is known beforehand, of a secondary that outlives the other', () => {
    expect(primaryFrom('primary', never, start)).toBe(never)
    expect(primaryFrom('secondary', start + hour, start)).toBe(start)
    expect(primaryFrom('secondary', start, start)).toBe(never)
    expect(primaryFrom('secondary', start, start + hour)).toBe(never)
    expect(primaryFrom('secondary', start, never)).toBe(never)
    expect(primaryFrom('secondary', start, null)).toBe(-never)
  })
})
