/**
 * The thresholds before an end that apply, longest first: one that is longer than a third of the whole life does not, or it would
 * announce the end of something that has hardly begun.
 *
 * @param thresholds seconds before the end
 * @param begin of that life, and its end: milliseconds since 1970
 */
export function applicableThresholds(thresholds: readonly number[], begin: number, end: number): number[] {
  const thirdOfLife = (end - begin) / 3000
  return thresholds.filter((threshold) => threshold <= thirdOfLife).toSorted((a, b) => b - a)
}

/** When a date is announced, as seconds before it, longest first; 0: when it has come. */
export const announcedThresholds = (thresholds: readonly number[], begin: number, end: number): number[] => [
  ...applicableThresholds(thresholds, begin, end),
  0,
]

/** From so many seconds before an end on the administrators hear of it, too. */
export const administratorsHearWithin = 7 * 86_400
