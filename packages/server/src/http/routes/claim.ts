import type { Context } from 'hono'
import { Hono } from 'hono'
import { DomainError } from '../../kernel/errors.ts'
import { SecretValue } from '../../kernel/secret-value.ts'
import type { Standing } from '../../rotation/claim-rules.ts'
import { claimSecret, type OpenedClaimLink, openClaimLink } from '../../rotation/claim-secret.ts'
import { claimPath } from '../claim-page/address.ts'
import { type Page, pageHeaders, render } from '../claim-page/document.ts'
import { claimedPage, hindrancePage, openPage, troublePage, unknownPage } from '../claim-page/pages.ts'
import { clientAddress } from '../client-address.ts'
import type { Env, Services } from '../context.ts'
import { toProblem } from '../error-map.ts'
import { limitBody, neverCached } from '../middleware.ts'

type Status = 200 | 404 | 409 | 410 | 422 | 500 | 503

/** Gone is what can never be used again; where it may work later it is a conflict (RFC 9110 §15.5.10, §15.5.11). */
const statuses = {
  open: 200,
  claimed: 410,
  withdrawn: 410,
  expired: 410,
  revoked: 410,
  disabled: 409,
  staged: 409,
  retiring: 409,
} satisfies Record<Standing['kind'], Status>

/**
 * The page of a claim link, for people: it works without JavaScript. Reading it (GET, HEAD) changes nothing, because programs
 * follow every link in a mail before a person does; and some of them submit the forms that they find, as they find them, so that a
 * box has to be ticked as well.
 */
export function claimRoutes(services: Services): Hono<Env> {
  const { ground, publicUrl, proxies, log } = services
  const routes = new Hono<Env>()
  routes.onError((error, c) => {
    if (error instanceof DomainError && error.code === 'claim_link_not_found') return answer(c, 404, unknownPage)
    if (error instanceof DomainError && error.code === 'database_unavailable') {
      log.warn({ request_id: c.get('requestId'), err: error.cause }, 'the database could not be asked')
      c.header('Retry-After', '1')
      return answer(c, 503, troublePage(c.get('requestId')))
    }
    // Too large a body among them: no form of ours sends one.
    if (error instanceof DomainError) throw error
    log.error({ request_id: c.get('requestId'), err: error }, 'a claim failed in a way that nobody foresaw')
    return answer(c, 500, troublePage(c.get('requestId')))
  })
  routes.use(claimPath, neverCached, limitBody)

  routes.get(claimPath, async (c) => show(c, await openClaimLink(ground, tokenOf(c))))

  routes.post(claimPath, async (c) => {
    const token = tokenOf(c)
    const opened = await openClaimLink(ground, token)
    if (opened.standing.kind !== 'open') return show(c, opened)
    if (!(await isConfirmed(c))) return answer(c, 422, openPage(opened, 'Tick the box first.'), opened)
    const incoming = c.env.incoming
    const address = incoming === undefined ? null : (clientAddress(incoming, proxies) ?? null)
    try {
      const { view, issued } = await claimSecret(ground, token, { requestId: c.get('requestId'), address })
      if (!issued) throw new Error('a secret was claimed, but none was made')
      const page = claimedPage(opened, view, issued.secretId, issued.value.reveal(), publicUrl)
      return await answer(c, 200, page, opened)
    } catch (error) {
      if (!(error instanceof DomainError) || error.code === 'database_unavailable') throw error
      return show(c, await openClaimLink(ground, token), error)
    }
  })
  return routes
}

/** @param refusal of a claim, which may be for a reason that has passed by now */
function show(c: Context<Env>, opened: OpenedClaimLink, refusal: DomainError | null = null): Promise<Response> {
  const { standing } = opened
  if (standing.kind !== 'open') return answer(c, statuses[standing.kind], hindrancePage(opened, standing), opened)
  if (refusal === null) return answer(c, 200, openPage(opened), opened)
  const { title } = toProblem(refusal, c.get('requestId'))
  return answer(c, 409, openPage(opened, `${title}. Nothing was made; the link is still good.`), opened)
}

async function answer(c: Context<Env>, status: Status, page: Page, opened: OpenedClaimLink | null = null) {
  return c.body(await render(page, opened?.organization.name ?? null), status, pageHeaders)
}

const tokenOf = (c: Context<Env>) => new SecretValue(c.req.param('token') ?? '')

/** As a form sends it whose box somebody ticked. */
async function isConfirmed(c: Context<Env>): Promise<boolean> {
  if (!/^application\/x-www-form-urlencoded\b/i.test(c.req.header('content-type') ?? '')) return false
  return new URLSearchParams(await c.req.text()).getAll('confirm').join() === 'yes'
}
