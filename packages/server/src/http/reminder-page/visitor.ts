import type { Context } from 'hono'
import type { OpenedReminder } from '../../notifications/open-reminder.ts'
import type { Caller } from '../../people/call.ts'
import { enter } from '../../people/enter.ts'
import type { Env, Services } from '../context.ts'
import { deviceOf, hasSession } from '../session.ts'

/** Who looks at it: somebody who is signed in, with what they may do, or whoever holds the link. */
export interface Visitor {
  readonly name: string | null
  readonly may: ReadonlySet<'extend' | 'rotate'>
  /** Where to sign in and come back. */
  readonly signInPath: string
}

/** What the role of whoever is signed in allows here. A sign-in that is too old is asked for when the button is pressed. */
export async function visitorOf(services: Services, c: Context<Env>, { about }: OpenedReminder): Promise<Visitor> {
  const session = hasSession(services, c) ? await services.signIn.findSession(deviceOf(services, c)) : null
  const signInPath = `/sign-in?next=${encodeURIComponent(c.req.path.replace(/\/(acknowledge|answer)$/, ''))}`
  if (!session) return { name: null, may: new Set(), signInPath }
  const may = new Set<'extend' | 'rotate'>()
  if (about.keyId !== null)
    for (const [wish, action] of [
      ['extend', 'keys:change'],
      ['rotate', 'keys:rotate'],
    ] as const) {
      const { caller, refusal } = await enter(services.ground, session, action, { key: about.keyId })
      const mayDoSo = refusal === null || refusal.code === 'recent_sign_in_required'
      if (mayDoSo && caller.organizationId === about.organizationId) may.add(wish)
    }
  return { name: session.person.name, may, signInPath }
}

/** Whoever is signed in and belongs to the organization does it as themselves; anybody else as the link. */
export async function memberOf(services: Services, c: Context<Env>, { about }: OpenedReminder): Promise<Caller | null> {
  const session = hasSession(services, c) ? await services.signIn.findSession(deviceOf(services, c)) : null
  if (!session) return null
  const { caller } = await enter(services.ground, session, 'organization:read', { org: about.organizationId })
  return caller.organizationId === about.organizationId ? caller : null
}
