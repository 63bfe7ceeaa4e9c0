import { recordChange } from '../audit/record-change.ts'
import { DomainError } from '../kernel/errors.ts'
import { formatTime, type Instant } from '../kernel/instant.ts'
import { randomBase62 } from '../kernel/random.ts'
import { SecretValue } from '../kernel/secret-value.ts'
import type { Call } from './call.ts'
import { requireToGive } from './give-role.ts'
import { listMemberships } from './member-store.ts'
import { readMember } from './members.ts'
import { hasPassword } from './person-store.ts'
import type { SignIn } from './sign-in.ts'

const linkMs = 3600_000

export interface ResetLink {
  readonly email: string
  readonly token: SecretValue
  readonly expiresAt: Instant
}

/**
 * A link with which a member sets a new password, for an administrator to hand over. Only of a person who belongs to nobody else:
 * what one organization may reset would open the others too. Nor of one whose role the caller could not give.
 *
 * @throws DomainError member_not_found, belongs_elsewhere, role_required, cannot_give_more_than_you_have
 */
export async function createResetLink(
  call: Call,
  signIn: SignIn,
  organizationId: string,
  personId: string,
): Promise<ResetLink> {
  const member = await readMember(call.reader, organizationId, personId)
  await requireToGive(call, organizationId, member.role)
  const elsewhere = (await listMemberships(call.reader, personId)).some((one) => one.organizationId !== organizationId)
  // The root key stands above organizations.
  if (elsewhere && call.caller.organizationId !== null) throw new DomainError('belongs_elsewhere')
  if (!(await hasPassword(call.reader, personId))) throw new DomainError('has_no_password')
  const token = new SecretValue(randomBase62(40))
  const expiresAt = (await call.now(call.reader)) + linkMs
  // First, while nobody has the token: what is handed over works, and what was never handed over is a guess like any other.
  await signIn.createPasswordReset(personId, token.reveal(), expiresAt)
  return call.change(async (tx) => {
    await recordChange(tx, call, await call.now(tx), {
      action: 'person.password_reset_link_created',
      organizationId,
      projectId: null,
      target: { type: 'person', id: personId, name: member.name },
      before: null,
      after: { expires_at: formatTime(expiresAt) },
      affects: null,
    })
    return { email: member.email, token, expiresAt }
  })
}
