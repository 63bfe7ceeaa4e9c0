import { z } from '@hono/zod-openapi'
import {
  meEdit,
  meSchema,
  passwordChange,
  passwordProof,
  plainText,
  recoveryCodes,
  rightsOf,
  sessionList,
  twoFactorBegun,
  twoFactorConfirmation,
} from '@keyturn/contract'
import { DomainError } from '../../kernel/errors.ts'
import { leave } from '../../people/remove-member.ts'
import { endOwnSession, listOwnSessions, readMemberships } from '../../people/sessions.ts'
import { changeOwnTimeZone, readOwnTimeZone } from '../../people/time-zone.ts'
import { callOf, type Services } from '../context.ts'
import { toWirePerson, toWireSession } from '../people-wire.ts'
import { emptyBody, jsonAnswer, jsonBody, newRoutes, organizationParam, sessionRoute } from '../route.ts'
import { deviceOf, ownSessionOf, sessionOf, setCookies } from '../session.ts'

const tags = ['Sign-in']
const done = { 204: { description: 'Done' } }

const me = sessionRoute({
  method: 'get',
  path: '/v1/me',
  summary: 'Who am I, and what am I where',
  tags,
  responses: { 200: jsonAnswer('The person', meSchema) },
})
const edit = sessionRoute({
  method: 'patch',
  path: '/v1/me',
  summary: 'Set your time zone',
  description: 'When your digests come, and how mails to you say times. Null: that of each organization.',
  tags,
  request: { body: jsonBody(meEdit) },
  responses: done,
})
const signOut = sessionRoute({
  method: 'post',
  path: '/v1/sign-out',
  summary: 'End this session',
  tags,
  request: { body: { ...jsonBody(emptyBody), required: false } },
  responses: done,
})
const sessions = sessionRoute({
  method: 'get',
  path: '/v1/me/sessions',
  summary: 'List the sessions of yours that are open',
  tags,
  responses: { 200: jsonAnswer('All of them, newest first', sessionList) },
})
const endOne = sessionRoute({
  method: 'delete',
  path: '/v1/me/sessions/{session}',
  summary: 'End a session of yours',
  tags,
  request: { params: z.object({ session: plainText(200).describe('Id of a session.') }) },
  responses: done,
})
const leaving = sessionRoute({
  method: 'delete',
  path: '/v1/me/memberships/{org}',
  summary: 'Leave an organization',
  description: 'Not for its last owner, and not while you own keys there: hand them over first.',
  tags,
  request: { params: organizationParam },
  responses: done,
})
const password = sessionRoute({
  method: 'post',
  path: '/v1/me/password',
  summary: 'Change your password',
  description: 'Ends every other session.',
  tags,
  request: { body: jsonBody(passwordChange) },
  responses: done,
})
const begin = sessionRoute({
  method: 'post',
  path: '/v1/me/two-factor',
  summary: 'Begin with a second factor',
  description: 'It is on once the first code of the authenticator is confirmed.',
  tags,
  request: { body: jsonBody(passwordProof) },
  responses: { 200: jsonAnswer('For the authenticator', twoFactorBegun) },
})
const confirm = sessionRoute({
  method: 'post',
  path: '/v1/me/two-factor/confirm',
  summary: 'Switch the second factor on with the first code',
  tags,
  request: { body: jsonBody(twoFactorConfirmation) },
  responses: done,
})
const disable = sessionRoute({
  method: 'post',
  path: '/v1/me/two-factor/disable',
  summary: 'Switch the second factor off',
  tags,
  request: { body: jsonBody(passwordProof) },
  responses: done,
})
const renew = sessionRoute({
  method: 'post',
  path: '/v1/me/recovery-codes',
  summary: 'New recovery codes in place of the old',
  tags,
  request: { body: jsonBody(passwordProof) },
  responses: { 200: jsonAnswer('Each works once', recoveryCodes) },
})

/** What people do about themselves. */
export function meRoutes(services: Services) {
  const { ground } = services
  const routes = newRoutes()
  routes.openapi(me, async (c) => {
    const held = sessionOf(c)
    const own = (await listOwnSessions(ground, held)).find(({ id }) => id === held.sessionId)
    if (!own) throw new DomainError('unauthenticated')
    const memberships = (await readMemberships(ground, held)).map(
      ({ organization: { id, name, slug }, role, projects, administrators }) => ({
        organization: { id, name, slug },
        role,
        administrators: [...administrators],
        rights: rightsOf(role, 'organization'),
        projects: projects.map((one) => ({ ...one, rights: rightsOf(one.role, 'project') })),
      }),
    )
    const time_zone = await readOwnTimeZone(ground.reader, held.person.id)
    return c.json({ ...toWirePerson(held), time_zone, session: toWireSession(own, own.id), memberships }, 200)
  })
  routes.openapi(edit, async (c) => {
    const { time_zone } = c.req.valid('json')
    if (time_zone !== undefined) await changeOwnTimeZone(callOf(services, c), ownSessionOf(c).person, time_zone)
    return c.body(null, 204)
  })
  routes.openapi(signOut, async (c) => {
    setCookies(c, await services.signIn.signOut(deviceOf(services, c)))
    return c.body(null, 204)
  })
  routes.openapi(sessions, async (c) => {
    const held = sessionOf(c)
    const data = (await listOwnSessions(ground, held)).map((one) => toWireSession(one, held.sessionId))
    return c.json({ data }, 200)
  })
  routes.openapi(endOne, async (c) => {
    await endOwnSession(callOf(services, c), sessionOf(c), c.req.valid('param').session)
    return c.body(null, 204)
  })
  routes.openapi(leaving, async (c) => {
    const wanted = c.req.valid('param').org
    const own = (await readMemberships(ground, sessionOf(c))).map(({ organization }) => organization)
    const organization = own.find(({ id, slug }) => id === wanted || slug === wanted)
    if (!organization) throw new DomainError('organization_not_found')
    await leave(callOf(services, c), organization.id, sessionOf(c).person.id)
    return c.body(null, 204)
  })
  routes.openapi(password, async (c) => {
    const { current_password, password: wanted } = c.req.valid('json')
    const { person } = ownSessionOf(c)
    setCookies(c, await services.signIn.changePassword(deviceOf(services, c), person, current_password, wanted))
    return c.body(null, 204)
  })
  routes.openapi(begin, async (c) => {
    const { person } = ownSessionOf(c)
    return c.json(
      await services.signIn.beginTwoFactor(deviceOf(services, c), person, c.req.valid('json').password),
      200,
    )
  })
  routes.openapi(confirm, async (c) => {
    const { person } = ownSessionOf(c)
    setCookies(c, await services.signIn.confirmTwoFactor(deviceOf(services, c), person, c.req.valid('json').code))
    return c.body(null, 204)
  })
  routes.openapi(disable, async (c) => {
    const { person } = ownSessionOf(c)
    setCookies(c, await services.signIn.endTwoFactor(deviceOf(services, c), person, c.req.valid('json').password))
    return c.body(null, 204)
  })
  routes.openapi(renew, async (c) => {
    const { person } = ownSessionOf(c)
    const codes = await services.signIn.renewRecoveryCodes(deviceOf(services, c), person, c.req.valid('json').password)
    return c.json({ recovery_codes: [...codes] }, 200)
  })
  return routes
}
