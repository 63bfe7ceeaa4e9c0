import {
  invitationCreate,
  invitationCreated,
  invitationPage,
  leavingSchema,
  memberEdit,
  memberPage,
  memberRemoval,
  memberSchema,
  type PasswordResetLink,
  pageQuery,
  passwordResetLink,
  plainText,
  portalSession,
  portalSessionCreate,
  removalReport,
} from '@keyturn/contract'
import type { Context } from 'hono'
import { formatTime } from '../../kernel/instant.ts'
import { findOrganization } from '../../organizations/find.ts'
import type { Call } from '../../people/call.ts'
import { type IssuedInvitation, invite, listInvitations, noteMailed, withdrawInvitation } from '../../people/invite.ts'
import { invitationMail, type Mail, resetMail } from '../../people/mail.ts'
import { changeRoles, listMembers, readMember } from '../../people/members.ts'
import { requireScope, requireWholeOrganization } from '../../people/permissions.ts'
import { createPortalSession } from '../../people/portal.ts'
import { readLeaving, removeMember } from '../../people/remove-member.ts'
import { createResetLink, type ResetLink } from '../../people/reset-link.ts'
import { answerOnce, callOf, doOnce, type Env, type Services } from '../context.ts'
import { toWireInvitation, toWireLeaving, toWireMember, toWireRemoval } from '../people-wire.ts'
import {
  emptyBody,
  idempotencyHeader,
  jsonAnswer,
  jsonBody,
  managementRoute,
  newRoutes,
  organizationParam,
} from '../route.ts'

const tags = ['Members']
const memberParam = organizationParam.extend({ member: plainText(200).describe('Id of a person.') })
const invitationParam = organizationParam.extend({ invitation: plainText(200).describe('Id of an invitation.') })

const list = managementRoute({
  action: 'members:read',
  method: 'get',
  path: '/v1/organizations/{org}/members',
  summary: 'List members',
  description: 'Scope `members:read`.',
  tags,
  request: { params: organizationParam, query: pageQuery },
  responses: { 200: jsonAnswer('A page', memberPage) },
})
const read = managementRoute({
  action: 'members:read',
  method: 'get',
  path: '/v1/organizations/{org}/members/{member}',
  summary: 'Read a member',
  description: 'Scope `members:read`.',
  tags,
  request: { params: memberParam },
  responses: { 200: jsonAnswer('The member', memberSchema) },
})
const edit = managementRoute({
  action: 'members:write',
  method: 'patch',
  path: '/v1/organizations/{org}/members/{member}',
  summary: 'Give a member other roles',
  description:
    'Scope `members:write`, and at least what the roles can do. In place of all roles that they had. A last owner stays one.',
  tags,
  request: { params: memberParam, body: jsonBody(memberEdit) },
  responses: { 200: jsonAnswer('The member', memberSchema) },
})
const leaving = managementRoute({
  action: 'members:read',
  method: 'get',
  path: '/v1/organizations/{org}/members/{member}/leaving',
  summary: 'What would a member leave behind?',
  description:
    'Scope `members:read`. Keys that they own or created, and those of which they were shown a value that still works.',
  tags,
  request: { params: memberParam },
  responses: { 200: jsonAnswer('What they would leave', leavingSchema) },
})
const remove = managementRoute({
  action: 'members:write',
  method: 'post',
  path: '/v1/organizations/{org}/members/{member}/remove',
  summary: 'Remove a member, and see to what they leave',
  description:
    'Scope `members:write`, and `keys:write` for what is done to keys. Hands their keys over and rotates those of which they saw a value, with overlap; all of it or nothing. The report shows the new values this once.',
  tags,
  request: { params: memberParam, headers: idempotencyHeader, body: { ...jsonBody(memberRemoval), required: false } },
  responses: { 200: jsonAnswer('The report', removalReport) },
})
const resetPassword = managementRoute({
  action: 'members:write',
  method: 'post',
  path: '/v1/organizations/{org}/members/{member}/password-reset',
  summary: 'Give a member a link for a new password',
  description:
    'Scope `members:write`. By mail, or to hand over where none is set up. For who belongs to this organization alone.',
  tags,
  request: { params: memberParam, headers: idempotencyHeader, body: { ...jsonBody(emptyBody), required: false } },
  responses: { 201: jsonAnswer('The link', passwordResetLink) },
})
const invitations = managementRoute({
  action: 'members:read',
  method: 'get',
  path: '/v1/organizations/{org}/invitations',
  summary: 'List open invitations',
  description: 'Scope `members:read`.',
  tags,
  request: { params: organizationParam, query: pageQuery },
  responses: { 200: jsonAnswer('A page', invitationPage) },
})
const createInvitation = managementRoute({
  action: 'members:write',
  method: 'post',
  path: '/v1/organizations/{org}/invitations',
  summary: 'Invite somebody',
  description:
    'Scope `members:write`, and at least what the roles can do. Works for seven days; a former one to the same address works no more.',
  tags,
  request: { params: organizationParam, headers: idempotencyHeader, body: jsonBody(invitationCreate) },
  responses: { 201: jsonAnswer('The invitation', invitationCreated) },
})
const withdraw = managementRoute({
  action: 'members:withdraw',
  method: 'delete',
  path: '/v1/organizations/{org}/invitations/{invitation}',
  summary: 'Withdraw an invitation',
  description: 'Scope `members:write`.',
  tags,
  request: { params: invitationParam },
  responses: { 204: { description: 'Withdrawn' } },
})
const portal = managementRoute({
  action: 'portal_sessions:create',
  method: 'post',
  path: '/v1/organizations/{org}/portal-sessions',
  summary: "Sign a customer's person in",
  description:
    'Scope `members:write`, and at least what the role can do. The product vouches for who it is; session and role hold in this organization alone.',
  tags,
  request: { params: organizationParam, headers: idempotencyHeader, body: jsonBody(portalSessionCreate) },
  responses: { 201: jsonAnswer('A link to redirect them to', portalSession) },
})

/** For whoever reaches the whole organization. */
async function organizationFor(call: Call, scope: 'members:read' | 'members:write', idOrSlug: string) {
  requireScope(call.caller, scope)
  const organization = await findOrganization(call, idOrSlug)
  requireWholeOrganization(call.caller)
  return organization
}

export function memberRoutes(services: Services) {
  const { publicUrl } = services
  const routes = newRoutes()

  /**
   * Does it once, and sends the link once. Where mail is set up a repeated request is never answered with the link: whoever came by
   * one that went to a mailbox would pass for that mailbox's reader.
   *
   * @param mail the answer where the link went out; null: it did not, and is handed over
   */
  async function answerWithLink<R, B extends object>(
    c: Context<Env>,
    work: (call: Call) => Promise<R>,
    present: (result: R, url: string | null) => B,
    linkOf: (result: R) => string,
    mail: (result: R, url: string) => Promise<B | null>,
  ) {
    let done: { result: R } | undefined
    const { body, repeated } = await doOnce(
      services,
      c,
      201,
      async (call) => {
        const result = await work(call)
        done = { result }
        return result
      },
      (result, showSecrets) => present(result, showSecrets && !services.mailer ? linkOf(result) : null),
    )
    if (repeated) c.header('Idempotency-Replayed', 'true')
    if (!done) return c.json(body, 201)
    const url = linkOf(done.result)
    return c.json((await mail(done.result, url)) ?? present(done.result, url), 201)
  }

  routes.openapi(list, async (c) => {
    const call = callOf(services, c)
    const organization = await organizationFor(call, 'members:read', c.req.valid('param').org)
    const { data, nextCursor } = await listMembers(call, organization.id, c.req.valid('query'))
    return c.json({ data: data.map(toWireMember), next_cursor: nextCursor }, 200)
  })
  routes.openapi(read, async (c) => {
    const call = callOf(services, c)
    const { org, member } = c.req.valid('param')
    const organization = await organizationFor(call, 'members:read', org)
    return c.json(toWireMember(await readMember(call.reader, organization.id, member)), 200)
  })
  routes.openapi(edit, async (c) => {
    const call = callOf(services, c)
    const { org, member } = c.req.valid('param')
    const organization = await organizationFor(call, 'members:write', org)
    return c.json(toWireMember(await changeRoles(call, organization.id, member, c.req.valid('json'))), 200)
  })
  routes.openapi(leaving, async (c) => {
    const call = callOf(services, c)
    const { org, member } = c.req.valid('param')
    const organization = await organizationFor(call, 'members:read', org)
    return c.json(toWireLeaving(await readLeaving(call, organization.id, member)), 200)
  })
  routes.openapi(remove, async (c) => {
    const outer = callOf(services, c)
    const { org, member } = c.req.valid('param')
    const organization = await organizationFor(outer, 'members:write', org)
    const wanted = c.req.valid('json')
    if (wanted.hand_over_to || wanted.rotate_seen) requireScope(outer.caller, 'keys:write')
    return answerOnce(services, c, 200, (call) => removeMember(call, organization.id, member, wanted), toWireRemoval)
  })
  routes.openapi(resetPassword, async (c) => {
    const outer = callOf(services, c)
    const { org, member } = c.req.valid('param')
    const organization = await organizationFor(outer, 'members:write', org)
    const linkOf = ({ token }: ResetLink) => `${publicUrl}/reset-password?token=${token.reveal()}`
    return answerWithLink(
      c,
      (call) => createResetLink(call, services.signIn, organization.id, member),
      (issued, url): PasswordResetLink => ({ mailed: false, url, expires_at: formatTime(issued.expiresAt) }),
      linkOf,
      async (issued, url) => {
        const mailed = await send(services, resetMail(issued.email, url))
        return mailed ? { mailed, url: null, expires_at: formatTime(issued.expiresAt) } : null
      },
    )
  })
  routes.openapi(invitations, async (c) => {
    const call = callOf(services, c)
    const organization = await organizationFor(call, 'members:read', c.req.valid('param').org)
    const { data, nextCursor } = await listInvitations(call, organization.id, c.req.valid('query'))
    return c.json({ data: data.map(toWireInvitation), next_cursor: nextCursor }, 200)
  })
  routes.openapi(createInvitation, async (c) => {
    const outer = callOf(services, c)
    const organization = await organizationFor(outer, 'members:write', c.req.valid('param').org)
    const linkOf = ({ token }: IssuedInvitation) => `${publicUrl}/invitation?token=${token.reveal()}`
    const by = outer.caller.actor.name
    return answerWithLink(
      c,
      (call) => invite(call, organization, c.req.valid('json')),
      ({ invitation }, url) => ({ invitation: toWireInvitation(invitation), url }),
      linkOf,
      async ({ invitation }, url) => {
        if (!(await send(services, invitationMail(invitation.email, organization.name, by, url)))) return null
        return { invitation: toWireInvitation(await noteMailed(services.ground, invitation)), url: null }
      },
    )
  })
  routes.openapi(withdraw, async (c) => {
    const call = callOf(services, c)
    const { org, invitation } = c.req.valid('param')
    const organization = await organizationFor(call, 'members:write', org)
    await withdrawInvitation(call, organization.id, invitation)
    return c.body(null, 204)
  })
  routes.openapi(portal, async (c) => {
    const organization = await organizationFor(callOf(services, c), 'members:write', c.req.valid('param').org)
    return answerOnce(
      services,
      c,
      201,
      (call) => createPortalSession(call, organization, c.req.valid('json')),
      ({ token, expiresAt, personId }, showSecrets) => ({
        url: showSecrets ? `${publicUrl}/portal?token=${token.reveal()}` : null,
        expires_at: formatTime(expiresAt),
        member_id: personId,
      }),
    )
  })
  return routes
}

/** @returns false where it did not go out, and the link is to be handed over */
async function send({ mailer, log }: Services, mail: Mail): Promise<boolean> {
  if (!mailer) return false
  try {
    await mailer.send(mail)
    return true
  } catch (error) {
    log.warn({ err: error }, 'a mail could not be sent')
    return false
  }
}
