import { administratorsHearWithin, announcedThresholds, type ComingReminder, type Policy } from '@keyturn/contract'
import { List, Text } from '@mantine/core'
import { useNow } from '../clock.ts'
import { thresholdInWords } from '../words/notices.ts'
import { dayOf, durationInWords, parseTime, toWireTime } from '../words/time.ts'
import { type End, endAt } from './end-choice.tsx'

/** As the server plans them for a key that is made at this moment. */
function comingFor(
  policy: Pick<Policy, 'reminder_thresholds' | 'rotate_every'>,
  end: number | null,
  now: number,
): ComingReminder[] {
  const due = policy.rotate_every === null ? null : now + policy.rotate_every * 1000
  const announced = (reason: ComingReminder['reason'], date: number | null) =>
    date === null || date <= now
      ? []
      : announcedThresholds(policy.reminder_thresholds, now, date).map((threshold) => ({
          at: toWireTime(date - threshold * 1000),
          reason,
          threshold,
        }))
  return [...announced('expiry', end), ...announced('rotation_due', due)].toSorted((a, b) => (a.at < b.at ? -1 : 1))
}

interface ForNewKeyProps {
  readonly end: End
  readonly policy: Pick<Policy, 'reminder_thresholds' | 'rotate_every'>
  readonly owner: string
  readonly contact: string
}

/** Beside the end that is being chosen. */
export function RemindersForNewKey({ end, policy, owner, contact }: ForNewKeyProps) {
  const now = useNow()
  const at = endAt(end, now)
  if (at === null && end.kind !== 'never') return null
  const whom = [owner, contact].map((one) => one.trim()).filter((one) => one !== '')
  return (
    <div>
      <Text size="xs" fw={600}>
        Reminders to come
      </Text>
      <ComingList of={comingFor(policy, at, now)} />
      <Text size="xs" className="soft">
        {whom.length === 0
          ? 'Nobody is named, so the administrators hear of each.'
          : `To ${whom.join(' and ')}; from ${durationInWords(administratorsHearWithin)} before an end on to the administrators, too.`}
      </Text>
    </div>
  )
}

/** Soonest first, each with its day. */
export function ComingList({ of: coming }: { readonly of: readonly ComingReminder[] }) {
  if (coming.length === 0)
    return (
      <Text size="xs" className="soft">
        None: there is no end to remind of.
      </Text>
    )
  return (
    <List size="xs" className="soft" data-testid="coming">
      {coming.map(({ at, reason, threshold }) => (
        <List.Item key={`${reason} ${threshold} ${at}`}>
          {dayOf(parseTime(at))}: {thresholdInWords(reason, threshold)}
        </List.Item>
      ))}
    </List>
  )
}
