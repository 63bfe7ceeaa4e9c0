import type { ExpirationForecast } from '@keyturn/contract'
import { formatTime, type Instant, never } from '../kernel/instant.ts'

export const dayMs = 86_400_000
const weekMs = 7 * dayMs
const weekCount = 53

/** How many come on a day, by what they are. */
export interface DayCount {
  /** The beginning of the day in UTC; infinity: never. */
  readonly day: Instant
  readonly leg: 'end' | 'rotation' | 'tracked'
  readonly count: number
}

type Counts = Pick<ExpirationForecast['weeks'][number], 'count' | 'ends' | 'rotations_due' | 'tracked'>

const fewestTogether = 5
const timesAverage = 3
const mostCrowdedDays = 10

/** The year to come by weeks, and the days on which many end together. */
export function toForecast(days: readonly DayCount[], now: Instant): ExpirationForecast {
  const first = mondayOf(now)
  const end = first + weekCount * weekMs
  const today = dayOf(now)
  const coming = days.filter(({ day }) => day >= today && day < end)
  const byDay = Map.groupBy(coming, ({ day }) => day)
  const totals = [...byDay].map(([day, parts]) => ({ date: dateOf(day), ...countsOf(parts) }))
  const average = total(coming) / ((end - today) / dayMs)
  return {
    from: formatTime(now),
    overdue: total(days.filter(({ day }) => day < today)),
    weeks: Array.from({ length: weekCount }, (_, index) => {
      const start = first + index * weekMs
      return { starts_on: dateOf(start), ...countsOf(coming.filter(({ day }) => day >= start && day < start + weekMs)) }
    }),
    crowded_days: totals
      .filter(({ count }) => count >= fewestTogether && count >= timesAverage * average)
      .toSorted((a, b) => b.count - a.count || (a.date < b.date ? -1 : 1))
      .slice(0, mostCrowdedDays)
      .toSorted((a, b) => (a.date < b.date ? -1 : 1)),
    later: total(days.filter(({ day }) => day >= end && day !== never)),
    never: total(days.filter(({ day }) => day === never)),
  }
}

const total = (days: readonly DayCount[]): number => days.reduce((sum, { count }) => sum + count, 0)

function countsOf(days: readonly DayCount[]): Counts {
  const of = (leg: DayCount['leg']) => total(days.filter((one) => one.leg === leg))
  return { count: total(days), ends: of('end'), rotations_due: of('rotation'), tracked: of('tracked') }
}

const dayOf = (time: Instant): Instant => Math.floor(time / dayMs) * dayMs

/** 1970 began on a Thursday. */
const mondayOf = (time: Instant): Instant => Math.floor((time + 3 * dayMs) / weekMs) * weekMs - 3 * dayMs

const dateOf = (day: Instant): string => formatTime(day).slice(0, 10)
