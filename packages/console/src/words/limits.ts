import type { Quota, RateWindow, Refill } from '@keyturn/contract'
import { count } from './words.ts'

export const refillWords = {
  daily: 'each day, UTC',
  monthly: 'each month, UTC',
} as const satisfies Record<Refill, string>

export const outageWords = {
  allow: 'Calls pass, and are booked afterwards',
  refuse: 'Calls are refused until it is back',
} as const satisfies Record<Quota['on_outage'], string>

export const windowUnits = [
  { unit: 'second', seconds: 1 },
  { unit: 'minute', seconds: 60 },
  { unit: 'hour', seconds: 3_600 },
  { unit: 'day', seconds: 86_400 },
] as const
export type WindowUnit = (typeof windowUnits)[number]['unit']

/** In the largest unit of which it is a whole number. */
export function lengthOf(seconds: number): { readonly length: number; readonly unit: WindowUnit } {
  const { unit, seconds: size } = windowUnits.findLast((one) => seconds % one.seconds === 0) ?? windowUnits[0]
  return { length: seconds / size, unit }
}

/**
 * What the API says of a number that is out of its range, in fewer words: "Too big: expected number to be <=2592000" of a window is "at most 30 days".
 *
 * @param inWords how such a number is said
 */
export function rangeInWords(fault: string | undefined, inWords: (number: number) => string): string | undefined {
  const [, sign, number] = /(>=|<=)(\d+)$/.exec(fault ?? '') ?? []
  if (number === undefined) return fault
  return `${sign === '<=' ? 'at most' : 'at least'} ${inWords(Number(number))}`
}

/** "1 minute", "90 seconds". */
export function windowLengthInWords(seconds: number): string {
  const { length, unit } = lengthOf(seconds)
  return count(length, unit)
}

/** "100 calls in 1 minute", exactly. */
export function windowInWords({ limit, window_seconds }: RateWindow): string {
  return `${count(limit, 'call')} in ${windowLengthInWords(window_seconds)}`
}
