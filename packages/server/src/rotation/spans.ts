const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** `3 minutes`, `6 hours`, `31 days`: whole ones, as far as they have passed. */
export function inWords(milliseconds: number): string {
  if (milliseconds < minuteMs) return 'less than a minute'
  if (milliseconds < hourMs) return counted(milliseconds / minuteMs, 'minute')
  return milliseconds < 2 * dayMs ? counted(milliseconds / hourMs, 'hour') : counted(milliseconds / dayMs, 'day')
}

function counted(number: number, unit: string): string {
  const whole = Math.floor(number)
  return `${whole} ${unit}${whole === 1 ? '' : 's'}`
}

/** What pauses for so long: a little less than its name says, as a month has 28 days, too. */
export function jobOf(pauseMs: number): string {
  if (pauseMs < 20 * hourMs) return 'it may only be pausing'
  const name =
    pauseMs < 6 * dayMs ? 'daily' : pauseMs < 25 * dayMs ? 'weekly' : pauseMs < 80 * dayMs ? 'monthly' : 'quarterly'
  return `it may be a ${name} job`
}
