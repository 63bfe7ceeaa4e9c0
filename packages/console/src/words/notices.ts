import type {
  Channel,
  Delivery,
  DeliveryState,
  MailAbout,
  MailState,
  Reminder,
  ReminderReason,
  ReminderState,
  WebhookEvent,
} from '@keyturn/contract'
import type { Tone } from '../ui/status.tsx'
import { durationInWords } from './time.ts'

interface StateWords {
  readonly tone: Tone
  readonly word: string
}

export const mailStateWords = {
  queued: { tone: 'warn', word: 'Waits' },
  sent: { tone: 'good', word: 'Sent' },
  failed: { tone: 'bad', word: 'Failed' },
  not_delivered: { tone: 'bad', word: 'Not delivered' },
  obsolete: { tone: 'idle', word: 'No longer so' },
} as const satisfies Record<MailState, StateWords>

export const mailAboutWords = {
  reminders: 'Reminders',
  notices: 'Notices',
  review: 'Review',
  test: 'Test',
  request: 'Request',
} as const satisfies Record<MailAbout, string>

export const reminderStateWords = {
  planned: { tone: 'warn', word: 'To be sent' },
  sent: { tone: 'good', word: 'Sent' },
  failed: { tone: 'bad', word: 'Failed' },
  not_delivered: { tone: 'bad', word: 'Not delivered' },
  quieted: { tone: 'idle', word: 'Acknowledged' },
  obsolete: { tone: 'idle', word: 'No longer so' },
} as const satisfies Record<ReminderState, StateWords>

export const reasonWords = {
  expiry: 'its end',
  overlap_end: 'the end of the old secret',
  rotation_due: 'its rotation',
  used_after_end: 'calls after its end',
} as const satisfies Record<ReminderReason, string>

/** "7 days before its end", "when its end has come", "calls after its end". */
export function thresholdInWords(reason: ReminderReason, threshold: number): string {
  if (reason === 'used_after_end') return reasonWords[reason]
  return threshold === 0
    ? `when ${reasonWords[reason]} has come`
    : `${durationInWords(threshold)} before ${reasonWords[reason]}`
}

/** Why a reminder did not reach anybody; null: nothing went wrong. */
export function whyNotTold({ state, failure }: Pick<Reminder, 'state' | 'failure'>): string | null {
  if (state === 'not_delivered') return 'No mail server is set up.'
  if (failure === 'nobody_to_tell') return 'There is nobody to tell: no owner, contact, administrator or team mailbox.'
  return failure
}

export const deliveryStateWords = {
  pending: { tone: 'warn', word: 'Waits' },
  delivered: { tone: 'good', word: 'Delivered' },
  dead: { tone: 'bad', word: 'Given up' },
} as const satisfies Record<DeliveryState, StateWords>

/** A first attempt that is to come is no trouble; one that is tried again is. */
export const deliveryWord = ({ state, log }: Pick<Delivery, 'state' | 'log'>): StateWords =>
  state === 'pending' && log.length > 0 ? { tone: 'warn', word: 'Tried again' } : deliveryStateWords[state]

/** What the receiver said at last: "204", "500: try later", "no answer: connection refused". */
export function lastAnswer({ log: [last] }: Pick<Delivery, 'log'>): string | null {
  if (!last) return null
  if (last.status === null) return `no answer${last.error === null ? '' : `: ${last.error}`}`
  return `it said ${last.status}${last.answer ? `: ${last.answer}` : ''}`
}

export const eventWords = {
  'key.created': 'A key was made',
  'key.rotated': 'A key has a new secret',
  'key.extended': 'An end was moved to later',
  'key.expiring': 'A reminder is due',
  'key.expired': 'A key has ended by its date',
  'key.revoked': 'A key was revoked',
  'key.deleted': 'A key was deleted',
  'key.used_after_end': 'A key is called after its end',
  'tracked_credential.expiring': 'A tracked credential ends soon',
  'tracked_credential.expired': 'A tracked credential has ended',
} as const satisfies Record<WebhookEvent, string>

export const channelKindWords = { webhook: 'Webhook', email: 'Team mailbox' } as const satisfies Record<
  Channel['kind'],
  string
>

export const destinationOf = ({ url, address }: Pick<Channel, 'url' | 'address'>): string => url ?? address ?? ''

export function channelState({ enabled, disabled_reason }: Pick<Channel, 'enabled' | 'disabled_reason'>): StateWords {
  if (enabled) return { tone: 'good', word: 'On' }
  return disabled_reason === 'receiver_gone'
    ? { tone: 'bad', word: 'Off: its receiver said that it is gone' }
    : { tone: 'idle', word: 'Off' }
}
