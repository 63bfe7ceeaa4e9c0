import type { Actor, ChannelKind, WebhookEvent } from '@keyturn/contract'
import type { Instant } from '../kernel/instant.ts'

/** Where an organization is told of events, beside the people that it concerns. */
export interface Channel {
  readonly id: string
  readonly organizationId: string
  readonly kind: ChannelKind
  /** Of a webhook. */
  readonly url: string | null
  /** Of an e-mail channel: a team mailbox, which is told everything. */
  readonly address: string | null
  /** Null: all. */
  readonly events: readonly WebhookEvent[] | null
  readonly enabled: boolean
  /** Null: somebody disabled it, or nobody. */
  readonly disabledReason: 'receiver_gone' | null
  readonly oldSecretUntil: Instant | null
  readonly createdAt: Instant
  readonly createdBy: Actor
}

/** The signing secrets as they are kept: sealed (signing-secret.ts). */
export interface SealedSecrets {
  readonly current: Uint8Array
  /** While the overlap of a rotation lasts. */
  readonly old: { readonly sealed: Uint8Array; readonly until: Instant } | null
}

/** For people and logs. Paths and queries of webhooks are often secrets of their receivers, and stay out of the trail. */
export const nameOf = ({ url, address }: Pick<Channel, 'url' | 'address'>): string =>
  address ?? (url === null ? '' : new URL(url).origin)

/** Is this webhook told of an event of this type, that happened then? Not of what was before it. */
export function wantsEvent(channel: Channel, type: WebhookEvent, happenedAt: Instant): boolean {
  const { kind, enabled, events, createdAt } = channel
  return kind === 'webhook' && enabled && happenedAt >= createdAt && (events === null || events.includes(type))
}
