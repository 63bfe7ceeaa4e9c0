import type { Context } from 'hono'
import { DomainError } from '../kernel/errors.ts'
import { membershipsOf } from '../people/sessions.ts'
import type { Cookies, HeldSession } from '../people/sign-in.ts'
import type { Env, Services } from './context.ts'
import { cookieFrom, deviceOf, setCookies, setDeviceMark } from './session.ts'

/** @returns null where the second factor is still to come. @throws DomainError sign_in_refused, too_many_attempts */
export async function signIn(
  services: Services,
  c: Context<Env>,
  email: string,
  password: string,
): Promise<HeldSession | null> {
  const device = deviceOf(services, c)
  try {
    const { cookies, secondFactorRequired } = await services.signIn.signIn(device, email, password)
    if (!secondFactorRequired) return await greet(services, c, cookies)
    setCookies(c, cookies)
    return null
  } catch (error) {
    await recordRefusedSignIn(services, c, email, error)
    throw error
  }
}

/** @throws DomainError second_factor_refused */
export async function passSecondFactor(
  services: Services,
  c: Context<Env>,
  proof: { code?: string | undefined; recovery_code?: string | undefined },
): Promise<HeldSession> {
  try {
    return await greet(services, c, await services.signIn.passSecondFactor(deviceOf(services, c), proof))
  } catch (error) {
    await recordRefusedSignIn(services, c, null, error)
    throw error
  }
}

/** Gives the browser its session, and marks the device. */
async function greet(services: Services, c: Context<Env>, cookies: Cookies): Promise<HeldSession> {
  const device = deviceOf(services, c)
  const session = await services.signIn.findSession({ ...device, cookie: cookieFrom(cookies) })
  if (!session) throw new DomainError('sign_in_refused')
  setCookies(c, cookies)
  setDeviceMark(services, c, await services.signIn.welcome(device, session.person))
  return session
}

/**
 * In the chain of each organization of the account, so that its auditors see who tries the door. Of what no account has nothing is
 * kept but that it was tried: people type passwords into the wrong field.
 */
async function recordRefusedSignIn(services: Services, c: Context<Env>, email: string | null, error: unknown) {
  if (!(error instanceof DomainError) || error.code === 'database_unavailable') return
  const person = email === null ? null : await services.signIn.findByEmail(email)
  const memberships = person ? await membershipsOf(services.ground, { person, organizationId: null }) : []
  const organizationIds = memberships.length > 0 ? memberships.map((one) => one.organizationId) : [null]
  for (const organizationId of organizationIds) {
    await services.refusals.record({
      action: 'sign_in.refused',
      code: error.code,
      actor: null,
      subject: person && { id: person.id, name: person.name },
      organizationId,
      route: 'sign-in',
      address: deviceOf(services, c).address,
      requestId: c.get('requestId'),
    })
  }
}
