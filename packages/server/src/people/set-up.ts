import { isSame } from '../kernel/digest.ts'
import { DomainError } from '../kernel/errors.ts'
import type { Instant } from '../kernel/instant.ts'
import type { MasterKey } from '../kernel/master-key.ts'
import { findFirstOrganization } from '../organizations/find.ts'
import type { Reader } from '../storage/database.ts'
import type { Call, Ground } from './call.ts'
import { addMember, callBy, signUp } from './enrol.ts'
import { lockInstallation } from './installation-store.ts'
import { hasAnybodySignedUp } from './person-store.ts'
import type { SignIn } from './sign-in.ts'

const setUpMs = 3600_000

/**
 * The link that makes the first owner. It needs no row: whoever can print one has the master key, and it says itself how long it
 * works, so that it can be printed beside a running server.
 */
export function setUpLink(masterKey: MasterKey, publicUrl: string, now: Instant): string {
  const expiresAt = Math.floor(now) + setUpMs
  return `${publicUrl}/set-up?token=${expiresAt.toString(36)}.${masterKey.setUpMark(expiresAt)}`
}

/** Has anybody signed up? Then no set-up link works any more. */
export const isSetUp = (reader: Reader): Promise<boolean> => hasAnybodySignedUp(reader)

export interface FirstOwner {
  readonly token: string
  readonly name: string
  readonly email: string
  readonly password: string
}

/** @throws DomainError link_expired */
export async function requireSetUpLink(ground: Ground, masterKey: MasterKey, token: string): Promise<void> {
  const [text = '', mark = ''] = token.split('.')
  const expiresAt = Number.parseInt(text, 36)
  const isOurs = Number.isSafeInteger(expiresAt) && isSame(mark, masterKey.setUpMark(expiresAt))
  if (!isOurs || expiresAt <= (await ground.now(ground.reader)) || (await isSetUp(ground.reader)))
    throw new DomainError('link_expired')
}

/**
 * Makes the first person, who owns the first organization. Of two at once with one link one does.
 *
 * @throws DomainError link_expired, password_refused
 */
export async function setUp(
  ground: Ground,
  masterKey: MasterKey,
  signIn: SignIn,
  from: Pick<Call, 'requestId' | 'address'>,
  owner: FirstOwner,
): Promise<void> {
  await requireSetUpLink(ground, masterKey, owner.token)
  const password = await signIn.hashNewPassword(owner.password, [owner.name, owner.email])
  await ground.change(async (tx) => {
    await lockInstallation(tx)
    if (await hasAnybodySignedUp(tx)) throw new DomainError('link_expired')
    const now = await ground.now(tx)
    const { name, email } = owner
    const person = await signUp(tx, { name, email, emailVerified: false, password }, now)
    const organization = await findFirstOrganization(tx)
    if (!person) throw new DomainError('link_expired')
    const member = { personId: person.id, role: 'owner', projects: [], via: 'set_up' } as const
    await addMember(tx, callBy(ground, person, from), organization.id, person, member, now)
  })
}
