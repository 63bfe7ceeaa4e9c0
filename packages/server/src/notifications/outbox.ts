import type { MailState } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'
import { isIdOf, newId } from '../kernel/ids.ts'
import type { Instant } from '../kernel/instant.ts'
import { redact } from '../kernel/redaction.ts'
import type { Organization } from '../organizations/organization.ts'
import type { Call } from '../people/call.ts'
import { requireScope, requireWholeOrganization } from '../people/permissions.ts'
import type { Tx } from '../storage/database.ts'
import type { MailRecord, MailWithText, NewMail } from './mail.ts'
import * as mails from './mail-store.ts'

/** Puts a mail on its way, with whatever else the transaction does: both or neither. @returns its id */
export async function enqueueMail(tx: Tx, organizationId: string, mail: NewMail, now: Instant): Promise<string> {
  const id = newId('mail', now)
  await mails.insertMail(tx, organizationId, {
    ...mail,
    id,
    organizationId,
    messageId: mail.messageId ?? `<${id}@keyturn>`,
    state: 'queued',
    attempts: 0,
    queuedAt: now,
    nextAttemptAt: now,
    lastError: null,
    createdAt: now,
    sentAt: null,
  })
  return id
}

export interface MailListQuery {
  readonly state?: MailState | undefined
  readonly limit: number
  readonly cursor?: string | undefined
}

/**
 * Newest first. A mail names keys of any project, so whoever reads it reaches them all.
 *
 * @throws DomainError insufficient_scope, whole_organization_required, invalid_cursor
 */
export async function listMails(
  call: Call,
  organization: Organization,
  query: MailListQuery,
): Promise<{ data: MailRecord[]; nextCursor: string | null }> {
  requireReading(call)
  const { cursor } = query
  if (cursor !== undefined && !isIdOf('mail', cursor)) throw new DomainError('invalid_cursor')
  const rows = await mails.listMails(call.reader, organization.id, {
    state: query.state ?? null,
    before: cursor ?? null,
    limit: query.limit + 1,
  })
  const data = rows.slice(0, query.limit)
  return { data, nextCursor: rows.length > query.limit ? (data.at(-1)?.id ?? null) : null }
}

/**
 * With what it says. The links in it work for whoever has them: who may change nothing sees them without what makes them work.
 *
 * @throws DomainError insufficient_scope, whole_organization_required, mail_not_found
 */
export async function readMail(call: Call, organization: Organization, id: string): Promise<MailWithText> {
  requireReading(call)
  const mail = await mails.findMail(call.reader, organization.id, id)
  if (!mail) throw new DomainError('mail_not_found')
  const { scopes } = call.caller
  if (scopes === 'all' || scopes.has('keys:write')) return mail
  return { ...mail, text: redact(mail.text), html: mail.html === null ? null : redact(mail.html) }
}

/**
 * Tries one again that was given up or could not be delivered, for another three days.
 *
 * @param onRequeued told of it in the same transaction
 * @throws DomainError insufficient_scope, whole_organization_required, mail_not_found, mail_cannot_be_retried
 */
export async function retryMail(
  call: Call,
  organization: Organization,
  id: string,
  onRequeued: (tx: Tx, mail: MailRecord) => Promise<void>,
): Promise<MailRecord> {
  requireScope(call.caller, 'keys:write')
  requireWholeOrganization(call.caller)
  return call.change(async (tx) => {
    const mail = await mails.requeueMail(tx, organization.id, id, await call.now(tx))
    if (!mail) {
      const found = await mails.findMail(tx, organization.id, id)
      throw found
        ? new DomainError('mail_cannot_be_retried', { state: found.state })
        : new DomainError('mail_not_found')
    }
    await onRequeued(tx, mail)
    return mail
  })
}

function requireReading({ caller }: Call): void {
  requireScope(caller, 'keys:read')
  requireWholeOrganization(caller)
}
