import { useNow } from '../clock.ts'
import { exactTime, parseTime, relativeTime } from '../words/time.ts'

interface WhenProps {
  readonly at: string | null
  /** Where there is no time. */
  readonly none?: string
}

/** "in 12 days"; the exact time with its zone is shown where a pointer rests on it, and read out. */
export function When({ at, none = 'never' }: WhenProps) {
  const now = useNow()
  if (at === null) return <span>{none}</span>
  const time = parseTime(at)
  return (
    <time dateTime={at} title={exactTime(time)}>
      {relativeTime(time, now)}
    </time>
  )
}

/** The exact time, where it is what counts. */
export function Exact({ at, none = 'never' }: WhenProps) {
  if (at === null) return <span>{none}</span>
  return <time dateTime={at}>{exactTime(parseTime(at))}</time>
}
