import type { ExpirationForecast } from '@keyturn/contract'
import type { Bar } from '../ui/bars.tsx'
import { dayOf, parseTime } from '../words/time.ts'
import { count } from '../words/words.ts'

/** A bar for each week, by what happens in it. */
export const barsOf = (weeks: ExpirationForecast['weeks']): Bar[] =>
  weeks.map(({ starts_on, ends, rotations_due, tracked }) => ({
    id: starts_on,
    label: `Week of ${dayOf(parseTime(starts_on))}: ${count(ends, 'secret')} ${ends === 1 ? 'ends' : 'end'}${tracked > 0 ? `, ${count(tracked, 'tracked credential')}` : ''}${rotations_due > 0 ? `, ${count(rotations_due, 'rotation')} due` : ''}`,
    parts: [
      { tone: 'warn', value: rotations_due },
      { tone: 'soft', value: tracked },
      { tone: 'main', value: ends },
    ],
  }))

export function WeekLegend() {
  return (
    <div className="legend">
      <span>
        <i /> Keys
      </span>
      <span>
        <i data-tone="soft" /> Tracked credentials
      </span>
      <span>
        <i data-tone="warn" /> Rotations due
      </span>
    </div>
  )
}
