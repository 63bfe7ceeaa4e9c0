import type { Key, Quota, RateLimit } from '@keyturn/contract'
import { lengthOf, type WindowUnit, windowUnits } from '../words/limits.ts'

/** What a field for a number holds: nothing yet, or what was typed. */
export type Typed = number | string

export interface TypedWindow {
  readonly limit: Typed
  readonly length: Typed
  readonly unit: WindowUnit
}

export interface TypedLimits {
  readonly windows: readonly TypedWindow[]
  readonly quota: {
    readonly limit: Typed
    readonly refill: Quota['refill']
    readonly on_outage: Quota['on_outage']
  } | null
}

const secondsOf = (unit: WindowUnit): number => windowUnits.find((one) => one.unit === unit)?.seconds ?? 1

export const limitsOf = ({ rate_limit, quota }: Pick<Key, 'rate_limit' | 'quota'>): TypedLimits => ({
  windows: (rate_limit?.windows ?? []).map(({ limit, window_seconds }) => ({ limit, ...lengthOf(window_seconds) })),
  quota: quota && { limit: quota.limit, refill: quota.refill, on_outage: quota.on_outage },
})

/** As the API takes them, in one order of names whoever gave them. What is no number yet is sent as none, and refused by its field. */
export function limitsForWire({ windows, quota }: TypedLimits): { rate_limit: RateLimit | null; quota: Quota | null } {
  return {
    rate_limit:
      windows.length === 0
        ? null
        : {
            windows: windows.map(({ limit, length, unit }) => ({
              limit: Number(limit),
              window_seconds: Number(length) * secondsOf(unit),
            })),
          },
    quota: quota && { limit: Number(quota.limit), refill: quota.refill, on_outage: quota.on_outage },
  }
}
