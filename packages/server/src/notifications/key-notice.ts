import { type AuditAction, type AuditEvent, auditActions } from '@keyturn/contract'
import { type Instant, never } from '../kernel/instant.ts'
import type { Notice, NoticeKind } from './notice-mail.ts'

/** What is told of, and as what. */
const kinds: Partial<Record<AuditAction, NoticeKind>> = {
  'key.created': 'created',
  'key.rotated': 'rotated',
  'key.promoted': 'rotated',
  'key.secret_claimed': 'rotated',
  'key.extended': 'extended',
  'key.revoked': 'revoked',
}

export const noticeActions = auditActions.filter((action) => kinds[action] !== undefined)

/** Null: nobody is told. The key that a project is born with comes with the project. */
export function noticeKindOf({ action, after }: Pick<AuditEvent, 'action' | 'after'>): NoticeKind | null {
  if (action === 'key.created' && after?.['legacy'] === true) return null
  return kinds[action] ?? null
}

/** As it is kept until it is told. */
export type KeptNotice = Omit<Notice, 'endsAt'> & {
  /** `never`, else milliseconds since 1970; null: nothing is said of it. */
  readonly endsAt: Instant | 'never' | null
}

/** @param key as it is now; undefined: it is gone */
export function noticeOf(
  event: Pick<AuditEvent, 'at' | 'actor' | 'target' | 'after'>,
  kind: NoticeKind,
  key: { readonly name: string; readonly owner: string | null; readonly lastEndAt: Instant } | undefined,
  projectName: string | null,
): KeptNotice {
  const reason = event.after?.['revoked_reason'] ?? event.after?.['reason']
  const endsAt = key === undefined || kind === 'revoked' ? null : key.lastEndAt
  return {
    kind,
    at: Date.parse(event.at),
    by: event.actor.name,
    keyName: key?.name ?? event.target.name,
    keyId: event.target.id,
    projectName,
    owner: key?.owner ?? null,
    endsAt: endsAt === never ? 'never' : endsAt,
    reason: typeof reason === 'string' ? reason : null,
  }
}

export const toNotice = (kept: KeptNotice): Notice => ({
  ...kept,
  endsAt: kept.endsAt === 'never' ? never : kept.endsAt,
})
