import type { Channel, Key, Reminder } from '@keyturn/contract'
import { useQueries, useQuery } from '@tanstack/react-query'
import { queries } from '../api/queries.ts'
import { useMay } from '../app/me.tsx'
import { useAcknowledgements } from '../keys/use-acknowledgements.ts'
import { destinationOf, thresholdInWords, whyNotTold } from '../words/notices.ts'
import { dayMs, parseTime } from '../words/time.ts'
import { sentence } from '../words/words.ts'
import { type Need, plainNeed } from './need.ts'

const mostFailed = 10
const newsForMs = 7 * dayMs

/** Who should have been told and was not: no mail server, a reminder that failed, a webhook whose receiver is gone. */
export function useNoticeNeeds(org: string, now: number): Need[] {
  const may = useMay()
  const mayReadReminders = may('reminders:read')
  const outbox = useQuery({ ...queries.outbox(org, { limit: 1 }), enabled: may('mails:read') }).data
  const channels = useQuery({ ...queries.channels(org), enabled: may('channels:read') }).data ?? []
  const failed = useQuery({ ...queries.reminders(org, { state: 'failed', limit: 100 }), enabled: mayReadReminders })
  const reminders = failedDates(failed.data?.data ?? [], now)
  const keys = useKeys(org, reminders)
  const acknowledged = useAcknowledgements(org)
  const isSilent = outbox?.smtp === false && outbox.data[0]?.state === 'not_delivered'
  const hasWebhook = channels.some(({ kind, enabled }) => kind === 'webhook' && enabled)
  return [
    ...reminders.flatMap((one) => {
      const key = keys.find(({ id }) => id === one.key_id)
      if (!key) return []
      const known = acknowledged({ id: one.subject_id, endsAt: one.ends_at })
      return known ? [] : [ofFailed(one, key)]
    }),
    ...(isSilent && !hasWebhook ? [noMailServer] : []),
    ...channels.filter(({ disabled_reason }) => disabled_reason === 'receiver_gone').map(ofGone),
  ]
}

/** One for each date, the newest. That there is nobody to tell of a key is a finding about that key. */
function failedDates(list: readonly Reminder[], now: number): Reminder[] {
  const recent = list.filter(
    ({ ends_at, failure, key_id }) =>
      parseTime(ends_at) > now - newsForMs && key_id !== null && failure !== 'nobody_to_tell',
  )
  const isFirst = (one: Reminder, index: number) =>
    recent.findIndex(({ subject_id, ends_at }) => subject_id === one.subject_id && ends_at === one.ends_at) === index
  return recent.filter(isFirst).slice(0, mostFailed)
}

/** By search, which finds nothing and does not fail where a key is gone by now. */
function useKeys(org: string, reminders: readonly Reminder[]): Key[] {
  const ids = [...new Set(reminders.map(({ key_id }) => key_id).filter((id) => id !== null))]
  return useQueries({
    queries: ids.map((id) => queries.keys(org, undefined, { q: id, limit: 1 })),
    combine: (results) => results.flatMap(({ data }) => data?.data ?? []),
  })
}

function ofFailed(one: Reminder, key: Key): Need {
  const about = sentence(thresholdInWords(one.reason, one.threshold))
  return {
    ...plainNeed,
    id: one.id,
    place: { page: 'key', key: key.id },
    name: key.name,
    projectId: key.project_id,
    owner: key.owner,
    legacy: key.legacy,
    what: 'A reminder failed',
    detail: `${about}, to ${one.recipient ?? 'nobody'}: ${whyNotTold(one) ?? 'it could not be sent'}`,
    advice: 'Mend the address of its owner or contact, or send the mail again in the outbox.',
    at: one.ends_at,
    lastUsedAt: key.last_used_at,
    tone: 'bad',
    act: 'edit',
    editing: 'Name an owner',
    reminder: one.reason === 'used_after_end' ? null : one.id,
  }
}

const noMailServer: Need = {
  ...plainNeed,
  id: 'no mail server',
  place: { page: 'outbox' },
  name: 'All reminders',
  what: 'Nobody is told',
  detail: 'No mail server is set up, and there is no webhook.',
  advice: 'The outbox says how to set one up, and has what was not delivered.',
  tone: 'bad',
  act: 'open',
}

const ofGone = (channel: Channel): Need => ({
  ...plainNeed,
  id: channel.id,
  place: { page: 'channel', channel: channel.id },
  name: destinationOf(channel),
  what: 'A webhook is off',
  detail: 'Its receiver said that it is gone.',
  advice: 'Delete it, or mend its URL and switch it on.',
  tone: 'warn',
  act: 'open',
})
