import {
  type AuditAction,
  type AuditEvent,
  auditActions,
  type WebhookEvent,
  type WebhookPayload,
  webhookEvents,
} from '@keyturn/contract'
import { formatInstant, formatTime, type Instant } from '../kernel/instant.ts'
import { pageOf } from './console-links.ts'

/** Events of the trail that webhooks are told of under another name: a staged secret that becomes the primary is a rotation, too. */
const told: Partial<Record<AuditAction, WebhookEvent>> = {
  ...Object.fromEntries(webhookEvents.map((type) => [type, type])),
  'key.promoted': 'key.rotated',
}

/** Null: webhooks are not told of it. */
export const webhookEventOf = (action: AuditAction): WebhookEvent | null => told[action] ?? null

export const webhookActions = auditActions.filter((action) => webhookEventOf(action) !== null)

/** What an event is about, as it is now. */
export interface Subject {
  readonly owner: string | null
  readonly management: boolean
  /** Infinity: never. */
  readonly endsAt: Instant
}

/**
 * The body of a webhook. Thin: names, owner and dates, never a value or a digest of a secret, so that a receiver that leaks gives nothing
 * away, and one that is late asks the API for what is true by then.
 *
 * @param subject null: it is not there any more
 * @param publicUrl without a slash at the end
 */
export function payloadOf(
  type: WebhookEvent,
  event: AuditEvent,
  subject: Subject | null,
  publicUrl: string,
): WebhookPayload {
  const { target, after } = event
  return {
    type,
    timestamp: event.at,
    data: {
      sequence: event.sequence,
      organization_id: event.organization_id ?? '',
      project_id: event.project_id,
      key_id: target.type === 'key' ? target.id : null,
      secret_id: textIn(after, 'secret'),
      tracked_credential_id: target.type === 'tracked_credential' ? target.id : null,
      url: pageOf(publicUrl, event.organization_id ?? '', target),
      name: target.name,
      owner: subject?.owner ?? null,
      management: subject?.management ?? false,
      ends_at: textIn(after, 'ends_at') ?? (subject && formatInstant(subject.endsAt)),
      threshold: type.endsWith('.expiring') ? numberIn(after, 'threshold') : null,
      actor: event.actor,
    },
  }
}

/** The test of a channel: an event of a key that does not exist. */
export const testPayload = (organizationId: string, actor: AuditEvent['actor'], now: Instant) => ({
  timestamp: formatTime(now),
  data: { organization_id: organizationId, actor },
})

function textIn(record: AuditEvent['after'], name: string): string | null {
  const value = record?.[name]
  return typeof value === 'string' ? value : null
}

function numberIn(record: AuditEvent['after'], name: string): number | null {
  const value = record?.[name]
  return typeof value === 'number' ? value : null
}
