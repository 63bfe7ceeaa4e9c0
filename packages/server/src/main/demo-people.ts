import type { Role } from '@keyturn/contract'
import type { Clock } from '../kernel/clock.ts'
import type { MasterKey } from '../kernel/master-key.ts'
import { findOrganization } from '../organizations/find.ts'
import { rootCaller } from '../people/authenticate.ts'
import type { Call, Ground } from '../people/call.ts'
import { acceptInvitation, invite } from '../people/invite.ts'
import { SignIn } from '../people/sign-in.ts'
import { ada, demoOrganization, jun, priya, tomas } from './demo-data.ts'

/** For made-up people and made-up keys, and printed with them. */
export const demoPassword = 'four keys and a kettle'

export const demoPeople: readonly { readonly name: string; readonly email: string; readonly role: Role }[] = [
  { name: 'Ada Lindqvist', email: ada, role: 'owner' },
  { name: 'Jun Takeda', email: jun, role: 'manager' },
  { name: 'Priya Nair', email: priya, role: 'member' },
  { name: 'Tomas Reyes', email: tomas, role: 'auditor' },
]

/** Who signs in to the demo: one of each role that sees something else. */
export async function invitePeople(ground: Ground, masterKey: MasterKey, clock: Clock): Promise<void> {
  const nobodyMails = { mailer: null, onMailFailure: () => {}, publicUrl: 'http://localhost' }
  const signIn = new SignIn({ ground, clock, masterKey, ...nobodyMails })
  const call: Call = { ...ground, caller: rootCaller, requestId: null, address: null }
  const organization = await findOrganization(call, demoOrganization.slug)
  for (const { name, email, role } of demoPeople) {
    const { token } = await invite(call, organization, { email, role, projects: [] })
    const wanted = { token: token.reveal(), name, password: demoPassword }
    await acceptInvitation(ground, signIn, { requestId: null, address: null }, null, wanted)
  }
  await signIn.settle()
}
