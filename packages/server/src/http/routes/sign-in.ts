import {
  invitationAcceptance,
  passwordResetCompletion,
  passwordResetRequest,
  secondFactorRequest,
  setUpRequest,
  signInAnswer,
  signInRequest,
} from '@keyturn/contract'
import type { Context } from 'hono'
import { acceptInvitation } from '../../people/invite.ts'
import { setUp } from '../../people/set-up.ts'
import type { HeldSession } from '../../people/sign-in.ts'
import { addressOf, type Env, type Services } from '../context.ts'
import { toWirePerson } from '../people-wire.ts'
import { jsonAnswer, jsonBody, newRoutes, openRoute } from '../route.ts'
import { deviceOf, hasSession, refuseCrossSite } from '../session.ts'
import { passSecondFactor, signIn } from '../sign-in-flow.ts'

const tags = ['Sign-in']
const signedIn = { 200: jsonAnswer('The session is in a cookie', signInAnswer) }

const withPassword = openRoute({
  method: 'post',
  path: '/v1/sign-in',
  summary: 'Sign in with e-mail address and password',
  description: 'Opens a session of 24 hours, which is in a cookie. The one that the browser had ends.',
  tags,
  request: { body: jsonBody(signInRequest) },
  responses: signedIn,
})
const withSecondFactor = openRoute({
  method: 'post',
  path: '/v1/sign-in/second-factor',
  summary: 'Go on with the code of the authenticator, or a recovery code',
  tags,
  request: { body: jsonBody(secondFactorRequest) },
  responses: signedIn,
})
const first = openRoute({
  method: 'post',
  path: '/v1/set-up',
  summary: 'Become the first owner',
  description: 'With the token of the set-up link, while nobody has signed up. Signs in.',
  tags,
  request: { body: jsonBody(setUpRequest) },
  responses: signedIn,
})
const accept = openRoute({
  method: 'post',
  path: '/v1/invitations/accept',
  summary: 'Accept an invitation',
  description:
    'With the token of its link. Who has an account with the address signs in first; others get one, and are signed in.',
  tags,
  request: { body: jsonBody(invitationAcceptance) },
  responses: signedIn,
})
const requestReset = openRoute({
  method: 'post',
  path: '/v1/password-resets',
  summary: 'Have a link for a new password sent',
  description:
    'The answer is the same whether there is such an account or not. Without mail set up, ask an administrator for a link.',
  tags,
  request: { body: jsonBody(passwordResetRequest) },
  responses: { 204: { description: 'If there is such an account, a mail is on its way' } },
})
const completeReset = openRoute({
  method: 'post',
  path: '/v1/password-resets/complete',
  summary: 'Set a new password with the token of the link',
  description: 'Ends every session of the person.',
  tags,
  request: { body: jsonBody(passwordResetCompletion) },
  responses: { 204: { description: 'The password is set' } },
})

const answerOf = (session: HeldSession | null) => ({
  second_factor_required: session === null,
  person: session && toWirePerson(session),
})

export const fromOf = (c: Context<Env>) => ({ requestId: c.get('requestId'), address: addressOf(c) })

/** Called by whoever is not signed in yet. */
export function signInRoutes(services: Services) {
  const { ground, masterKey } = services
  const routes = newRoutes()
  for (const path of [
    '/v1/sign-in',
    '/v1/sign-in/*',
    '/v1/set-up',
    '/v1/invitations/accept',
    '/v1/password-resets',
    '/v1/password-resets/*',
  ])
    routes.use(path, refuseCrossSite(services))
  routes.openapi(withPassword, async (c) => {
    const { email, password } = c.req.valid('json')
    return c.json(answerOf(await signIn(services, c, email, password)), 200)
  })
  routes.openapi(withSecondFactor, async (c) =>
    c.json(answerOf(await passSecondFactor(services, c, c.req.valid('json'))), 200),
  )
  routes.openapi(first, async (c) => {
    const owner = c.req.valid('json')
    await setUp(ground, masterKey, services.signIn, fromOf(c), owner)
    return c.json(answerOf(await signIn(services, c, owner.email, owner.password)), 200)
  })
  routes.openapi(accept, async (c) => {
    const wanted = c.req.valid('json')
    const held = hasSession(services, c) ? await services.signIn.findSession(deviceOf(services, c)) : null
    const own = held?.organizationId === null ? held : null
    const { email, isNew } = await acceptInvitation(ground, services.signIn, fromOf(c), own?.person ?? null, wanted)
    const session = isNew ? await signIn(services, c, email, wanted.password ?? '') : own
    return c.json(answerOf(session), 200)
  })
  routes.openapi(requestReset, async (c) => {
    await services.signIn.requestPasswordReset(deviceOf(services, c), c.req.valid('json').email)
    return c.body(null, 204)
  })
  routes.openapi(completeReset, async (c) => {
    const { token, password } = c.req.valid('json')
    await services.signIn.resetPassword(token, password)
    return c.body(null, 204)
  })
  return routes
}
