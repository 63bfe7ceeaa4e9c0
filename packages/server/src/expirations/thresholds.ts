import type { Instant } from '../kernel/instant.ts'

/**
 * The thresholds before an end that apply, longest first: one that is longer than a third of the whole life does not, or it would
 * announce the end of something that has hardly begun.
 *
 * @param thresholds seconds before the end
 */
export function applicableThresholds(thresholds: readonly number[], begin: Instant, end: Instant): number[] {
  const thirdOfLife = (end - begin) / 3000
  return thresholds.filter((threshold) => threshold <= thirdOfLife).toSorted((a, b) => b - a)
}

/**
 * The last two before an end, as seconds: when it is said everywhere, also in the traffic and by an alarm. Of what lives so short that
 * none applies it is the last third.
 */
export function lastThresholds(thresholds: readonly number[], begin: Instant, end: Instant): number[] {
  const applicable = applicableThresholds(thresholds, begin, end).slice(-2)
  return applicable.length > 0 ? applicable : [Math.floor((end - begin) / 3000)]
}
