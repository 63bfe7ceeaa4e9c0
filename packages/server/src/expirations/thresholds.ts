import { applicableThresholds } from '@keyturn/contract'
import type { Instant } from '../kernel/instant.ts'

/**
 * The last two before an end, as seconds: when it is said everywhere, also in the traffic and by an alarm. Of what lives so short that
 * none applies it is the last third.
 */
export function lastThresholds(thresholds: readonly number[], begin: Instant, end: Instant): number[] {
  const applicable = applicableThresholds(thresholds, begin, end).slice(-2)
  return applicable.length > 0 ? applicable : [Math.floor((end - begin) / 3000)]
}
