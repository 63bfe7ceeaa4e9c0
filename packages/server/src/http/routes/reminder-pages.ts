import { paragraph } from '@keyturn/contract'
import type { Context } from 'hono'
import { Hono } from 'hono'
import { acknowledgeReminders } from '../../expirations/acknowledge-reminders.ts'
import { DomainError } from '../../kernel/errors.ts'
import { formatTime } from '../../kernel/instant.ts'
import { SecretValue } from '../../kernel/secret-value.ts'
import { actionPath, type Wish, wishes } from '../../notifications/action-links.ts'
import { callOfLink, type OpenedReminder, openReminder } from '../../notifications/open-reminder.ts'
import { type Offers, offersOf } from '../../notifications/reminder-offers.ts'
import { type RequestOutcome, requestChange } from '../../notifications/request-change.ts'
import { extendKey } from '../../rotation/extend-key.ts'
import { rotateKey } from '../../rotation/rotate-key.ts'
import { addressOf, callOf, type Env, type Services } from '../context.ts'
import { toProblem } from '../error-map.ts'
import { limitBody, neverCached } from '../middleware.ts'
import { type ReminderPage, reminderPageHeaders, renderReminderPage } from '../reminder-page/document.ts'
import {
  acknowledgedPage,
  askedPage,
  extendedPage,
  rotatedPage,
  unknownLinkPage,
} from '../reminder-page/outcome-pages.ts'
import { type Note, reminderPage } from '../reminder-page/pages.ts'
import { memberOf, visitorOf } from '../reminder-page/visitor.ts'
import { hasSession, refuseCrossSite, takeSession } from '../session.ts'

type Status = 200 | 403 | 404 | 409 | 422 | 429

interface Shown {
  readonly opened: OpenedReminder
  readonly offers: Offers
}

/**
 * The pages that the links in reminders open. They work without scripts. Reading one (GET, HEAD) changes nothing, because programs follow
 * every link in a mail before a person does. Whoever holds a link can say that they know, or ask an administrator; whoever is signed in
 * does what their role allows, by the very use cases of the API.
 */
export function reminderPageRoutes(services: Services): Hono<Env> {
  const { ground, masterKey, publicUrl } = services
  const routes = new Hono<Env>()
  for (const path of [actionPath, `${actionPath}/*`])
    routes.use(path, neverCached, limitBody, refuseCrossSite(services))

  /** One page for every link that leads nowhere, whatever is wrong with it. */
  const withLink = async (c: Context<Env>, work: (shown: Shown) => Promise<Response>): Promise<Response> => {
    const opened = await openReminder(ground, masterKey, tokenOf(c))
    if (!opened) return answer(c, 404, unknownLinkPage, null)
    return work({ opened, offers: offersOf(opened) })
  }

  const show = async (
    c: Context<Env>,
    { opened, offers }: Shown,
    first: Wish | null,
    status: Status = 200,
    note: Note | null = null,
  ) => {
    const visitor = await visitorOf(services, c, opened)
    return answer(c, status, reminderPage(pathOf(c), opened, offers, visitor, first, note), opened)
  }

  /** What a button does for somebody who is signed in. What is refused is said on the page. */
  const asMember = (
    c: Context<Env>,
    wish: 'extend' | 'rotate',
    work: (shown: Shown, keyId: string) => Promise<Response>,
  ) =>
    withLink(c, async (shown) => {
      const { keyId } = shown.opened.about
      if (keyId === null || !hasSession(services, c)) return show(c, shown, wish, 403, signInFirst)
      try {
        await takeSession(services, c)
        await c.get('enter')?.(wish === 'extend' ? 'keys:change' : 'keys:rotate', { key: keyId })
        return await work(shown, keyId)
      } catch (error) {
        return refused(c, shown, wish, error)
      }
    })

  const refused = async (c: Context<Env>, shown: Shown, wish: Wish, error: unknown): Promise<Response> => {
    if (!(error instanceof DomainError) || error.code === 'database_unavailable' || error.code === 'cross_site_request')
      throw error
    const { title, detail } = toProblem(error, c.get('requestId'))
    const text = error.code === 'unauthenticated' ? signInFirst.text : `${title}. ${detail}`
    const status = isOfRights(error) ? 403 : 409
    return withLink(c, (now) => show(c, now, wish, status, { kind: 'bad', text }))
  }

  routes.get(actionPath, (c) => withLink(c, (shown) => show(c, shown, null)))
  for (const wish of wishes) routes.get(`${actionPath}/${wish}`, (c) => withLink(c, (shown) => show(c, shown, wish)))

  routes.post(`${actionPath}/extend`, (c) =>
    asMember(c, 'extend', async (shown, keyId) => {
      const { opened, offers } = shown
      const { extend } = offers
      const until = (await fieldsOf(c)).get('until')
      // As it was spelled out; what the rules allow is asked again.
      if (!extend || until !== formatTime(extend.until)) return show(c, shown, 'extend', 409, moved)
      await extendKey(callOf(services, c), keyId, { expires_at: until, slot: extend.slot })
      return answer(c, 200, extendedPage(opened, extend.until), opened)
    }),
  )

  routes.post(`${actionPath}/rotate`, (c) =>
    asMember(c, 'rotate', async (shown, keyId) => {
      if (!shown.offers.rotate) return show(c, shown, 'rotate', 409, moved)
      const { view, issued } = await rotateKey(callOf(services, c), keyId, {})
      if (!issued) throw new Error('a key was rotated, but no secret was made')
      return answer(c, 200, rotatedPage(shown.opened, view, issued.secretId, issued.value.reveal()), shown.opened)
    }),
  )

  const acknowledge = async (c: Context<Env>, shown: Shown): Promise<Response> => {
    const { opened, offers } = shown
    if (!offers.canAcknowledge) return show(c, shown, 'lapse', 409, nothingLeft)
    const { organizationId, subjectId, endsAt } = opened.about
    const link = callOfLink(ground, opened.about, { requestId: c.get('requestId'), address: addressOf(c) })
    const member = await memberOf(services, c, opened)
    const call = member ? { ...link, caller: member } : link
    if (!(await acknowledgeReminders(call, organizationId, subjectId, endsAt, call.caller.actor)))
      return show(c, shown, 'lapse', 409, nothingLeft)
    return answer(c, 200, acknowledgedPage(opened), opened)
  }

  routes.post(`${actionPath}/acknowledge`, (c) => withLink(c, (shown) => acknowledge(c, shown)))
  routes.post(`${actionPath}/answer`, (c) =>
    withLink(c, async (shown) => {
      const fields = await fieldsOf(c)
      const wish = fields.get('wish')
      if (wish === 'acknowledge') return acknowledge(c, shown)
      const wanted = shown.offers.wishes.find((one) => one === wish)
      if (wanted === undefined)
        return show(c, shown, null, 422, { kind: 'bad', text: 'Choose first what should happen.' })
      const note = paragraph(1000).safeParse((fields.get('note') ?? '').replaceAll('\r\n', '\n'))
      if (!note.success)
        return show(c, shown, wanted, 422, {
          kind: 'bad',
          text: `The note ${note.error.issues[0]?.message ?? 'is not valid'}.`,
        })
      const origin = { requestId: c.get('requestId'), address: addressOf(c) }
      const request = { wish: wanted, note: note.data === '' ? null : note.data }
      const outcome = await requestChange(ground, { masterKey, publicUrl }, shown.opened, request, origin)
      return answer(c, askedStatuses[outcome], askedPage(shown.opened, outcome), shown.opened)
    }),
  )
  return routes
}

const signInFirst = {
  kind: 'bad',
  text: 'Sign in first: whoever only holds the link can ask an administrator.',
} as const
const nothingLeft = { kind: 'bad', text: 'Nothing was done: that date is past, or holds no more.' } as const
const moved = { kind: 'bad', text: 'The date has changed meanwhile. Nothing was done; look at it again.' } as const

const askedStatuses = { asked: 200, asked_before: 429, nobody_to_ask: 409 } as const satisfies Record<
  RequestOutcome,
  Status
>

const isOfRights = ({ code }: DomainError) =>
  (
    ['unauthenticated', 'role_required', 'recent_sign_in_required', 'key_not_found', 'insufficient_scope'] as const
  ).some((one) => one === code)

const tokenOf = (c: Context<Env>) => new SecretValue(c.req.param('token') ?? '')
const pathOf = (c: Context<Env>) => `/reminders/${tokenOf(c).reveal()}`

async function answer(
  c: Context<Env>,
  status: Status,
  page: ReminderPage,
  opened: OpenedReminder | null,
): Promise<Response> {
  return c.body(await renderReminderPage(page, opened?.organization.name ?? null), status, reminderPageHeaders)
}

/** As a form sends it; of anything else nothing is read. */
async function fieldsOf(c: Context<Env>): Promise<URLSearchParams> {
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(c.req.header('content-type') ?? '')
  return new URLSearchParams(isForm ? await c.req.text() : '')
}
