import { emailAddress, lineOfText } from '@keyturn/contract'
import type { Context } from 'hono'
import { Hono } from 'hono'
import { html } from 'hono/html'
import { DomainError } from '../kernel/errors.ts'
import { nameOrganizations } from '../organizations/find.ts'
import { acceptInvitation, readInvitation } from '../people/invite.ts'
import { takePortalLink } from '../people/portal.ts'
import { isSetUp, requireSetUpLink, setUp } from '../people/set-up.ts'
import { addressOf, type Env, type Services } from './context.ts'
import { toProblem } from './error-map.ts'
import { type Field, type Form, formPage, formPageHeaders, onwards, onwardsHeaders, page } from './form-page.ts'
import { limitBody, neverCached } from './middleware.ts'
import { deviceOf, hasSession, refuseCrossSite, setCookies } from './session.ts'
import { passSecondFactor, signIn } from './sign-in-flow.ts'

const toSignIn = { to: '/sign-in', text: 'Back to sign-in' }

type Fields = Readonly<Record<string, string>>

const newPassword: Field = {
  name: 'password',
  label: 'Password',
  hint: 'At least 15 characters. Four or five words that nobody would guess are best; a password manager is better still.',
  type: 'password',
  autocomplete: 'new-password',
}
const email = (value = ''): Field => ({
  name: 'email',
  label: 'E-mail address',
  type: 'email',
  autocomplete: 'username',
  value,
})
const name = (value = ''): Field => ({ name: 'name', label: 'Your name', autocomplete: 'name', value })
const hidden = (named: string, value: string): Field => ({ name: named, label: '', type: 'hidden', value })

/** Where to go after signing in: a path of this installation. Anything that a browser would read as another host is none. */
export function safePath(next: string | undefined): string {
  return next !== undefined && /^\/(?![/\\])[\x21-\x7e]*$/.test(next) && !next.includes('\\') ? next : '/signed-in'
}

/**
 * The pages that people need before there is a console: what links lead to, and signing in. They work without scripts, and do what
 * the endpoints of the API do.
 */
export function pageRoutes(services: Services): Hono<Env> {
  const { ground, masterKey, mailer } = services
  const routes = new Hono<Env>()
  const paths = [
    '/set-up',
    '/sign-in',
    '/sign-in/second-factor',
    '/sign-out',
    '/signed-in',
    '/invitation',
    '/forgot-password',
    '/reset-password',
    '/portal',
  ]
  for (const path of paths) routes.use(path, neverCached, limitBody, refuseCrossSite(services))

  const answer = async (
    c: Context<Env>,
    body: ReturnType<typeof formPage>,
    status: 200 | 400 | 403 | 404 | 409 | 410 | 422 | 429 = 200,
  ) => c.body(String(await body), status, formPageHeaders)

  /** The form, or where it leads to; what goes wrong is said above the form, which keeps what was typed but for passwords. */
  async function attempt(c: Context<Env>, form: (fields: Fields) => Form, work: (fields: Fields) => Promise<Response>) {
    const fields = await readForm(c)
    try {
      return await work(fields)
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      const { title, detail, status } = toProblem(error, c.get('requestId'))
      const answered =
        status === 403 || status === 409 || status === 410 || status === 422 || status === 429 ? status : 400
      if (error.code === 'link_expired') return ended(c)
      return answer(c, formPage({ ...form(fields), problem: { title, detail } }), answered)
    }
  }
  const ended = (c: Context<Env>) =>
    answer(
      c,
      page('The link works no more', html`<p>It was used, withdrawn, or its time is over. Ask for another one.</p>`),
      410,
    )
  const withLink = async (c: Context<Env>, work: (token: string) => Promise<Response>) => {
    try {
      return await work(c.req.query('token') ?? '')
    } catch (error) {
      if (error instanceof DomainError && error.code === 'link_expired') return ended(c)
      throw error
    }
  }
  const from = (c: Context<Env>) => ({ requestId: c.get('requestId'), address: addressOf(c) })

  const notSetUp = page(
    'Nobody has signed up yet',
    html`<p>Open the link that the server printed when it was started: whoever has it becomes the owner.</p><p class="soft">It works for an hour. <code>npm run setup-link</code>, where Keyturn was started, prints another.</p>`,
  )
  const setUpForm = ({ token = '', name: typed = '', email: address = '' }: Fields): Form => ({
    title: 'Welcome to Keyturn',
    lead: 'You are the first here, and become the owner.',
    action: '/set-up',
    fields: [hidden('token', token), name(typed), email(address), newPassword],
    button: 'Begin',
  })
  routes.get('/set-up', (c) =>
    withLink(c, async (token) => {
      if (token === '' && !(await isSetUp(ground.reader))) return answer(c, notSetUp)
      await requireSetUpLink(ground, masterKey, token)
      return answer(c, formPage(setUpForm({ token })))
    }),
  )
  routes.post('/set-up', (c) =>
    attempt(c, setUpForm, async (fields) => {
      const owner = {
        token: fields.token ?? '',
        name: required(fields, 'name', 100),
        email: addressIn(fields),
        password: fields.password ?? '',
      }
      await setUp(ground, masterKey, services.signIn, from(c), owner)
      await signIn(services, c, owner.email, owner.password)
      return c.redirect('/signed-in', 303)
    }),
  )

  const signInForm = ({ email: address = '', next = '' }: Fields): Form => ({
    title: 'Sign in',
    action: '/sign-in',
    fields: [
      email(address),
      { name: 'password', label: 'Password', type: 'password', autocomplete: 'current-password' },
      hidden('next', next),
    ],
    button: 'Sign in',
    links: [{ to: '/forgot-password', text: 'Forgot your password?' }],
  })
  const secondForm = ({ next = '' }: Fields): Form => ({
    title: 'Second factor',
    lead: 'The code of your authenticator, or one of your recovery codes.',
    action: '/sign-in/second-factor',
    fields: [{ name: 'code', label: 'Code', autocomplete: 'one-time-code' }, hidden('next', next)],
    button: 'Go on',
    links: [toSignIn],
  })
  routes.get('/sign-in', (c) => answer(c, formPage(signInForm({ next: c.req.query('next') ?? '' }))))
  routes.post('/sign-in', (c) =>
    attempt(c, signInForm, async (fields) => {
      const session = await signIn(services, c, addressIn(fields), fields.password ?? '')
      if (!session) return answer(c, formPage(secondForm(fields)))
      return c.redirect(safePath(fields.next), 303)
    }),
  )
  routes.post('/sign-in/second-factor', (c) =>
    attempt(c, secondForm, async (fields) => {
      const code = (fields.code ?? '').replaceAll(' ', '')
      await passSecondFactor(services, c, /^\d{6}$/.test(code) ? { code } : { recovery_code: code })
      return c.redirect(safePath(fields.next), 303)
    }),
  )
  routes.get('/signed-in', async (c) => {
    const session = hasSession(services, c) ? await services.signIn.findSession(deviceOf(services, c)) : null
    if (!session) return c.redirect('/sign-in', 303)
    const { person } = session
    // Who can run scripts is in the console before this is drawn.
    const body = html`${services.console ? onwards : ''}<p>As <bdi>${person.name}</bdi>, <bdi>${person.email}</bdi>.</p><p><a href="/docs">The API, to browse and to try</a></p>
<form method="post" action="/sign-out"><button class="plain">Sign out</button></form>`
    return c.body(String(await page('You are signed in', body)), 200, onwardsHeaders)
  })
  routes.post('/sign-out', async (c) => {
    setCookies(c, await services.signIn.signOut(deviceOf(services, c)))
    return c.redirect('/sign-in', 303)
  })

  const invitationForm = ({ token = '', name: typed = '' }: Fields): Form => ({
    title: 'You are invited',
    lead: 'Choose a name and a password.',
    action: '/invitation',
    fields: [hidden('token', token), name(typed), newPassword],
    button: 'Accept',
  })
  const joinForm = ({ token = '' }: Fields): Form => ({
    title: 'You are invited',
    action: '/invitation',
    fields: [hidden('token', token)],
    button: 'Accept',
  })
  const ownSession = async (c: Context<Env>) => {
    const session = hasSession(services, c) ? await services.signIn.findSession(deviceOf(services, c)) : null
    return session?.organizationId === null ? session : null
  }
  routes.get('/invitation', (c) =>
    withLink(c, async (token) => {
      const { invitation, hasAccount } = await readInvitation(ground, token)
      const session = await ownSession(c)
      if (hasAccount && session?.person.email !== invitation.email)
        return c.redirect(`/sign-in?next=${encodeURIComponent(`/invitation?token=${encodeURIComponent(token)}`)}`, 303)
      const { organizationId, email: address, createdBy } = invitation
      const organization = (await nameOrganizations(ground.reader, [organizationId])).get(organizationId)
      const lead = html`<bdi>${createdBy.name}</bdi> invites <bdi>${address}</bdi> to look after API keys of <bdi>${organization?.name}</bdi>.`
      return answer(c, formPage({ ...(hasAccount ? joinForm : invitationForm)({ token }), lead }))
    }),
  )
  routes.post('/invitation', (c) =>
    attempt(c, invitationForm, async (fields) => {
      const session = await ownSession(c)
      const wanted = { token: fields.token ?? '', name: fields.name?.trim() || undefined, password: fields.password }
      const { email: address, isNew } = await acceptInvitation(
        ground,
        services.signIn,
        from(c),
        session?.person ?? null,
        wanted,
      )
      if (isNew) await signIn(services, c, address, fields.password ?? '')
      return c.redirect('/signed-in', 303)
    }),
  )

  const forgotForm = (): Form => ({
    title: 'A new password',
    lead: 'We send you a link.',
    action: '/forgot-password',
    fields: [email()],
    button: 'Send the link',
    links: [toSignIn],
  })
  const askForLink = page(
    'A new password',
    html`<p>No mail is set up here: ask an owner or administrator of your organization for a link.</p><p><a href="/sign-in">Back to sign-in</a></p>`,
  )
  routes.get('/forgot-password', (c) => answer(c, mailer ? formPage(forgotForm()) : askForLink))
  routes.post('/forgot-password', (c) =>
    attempt(c, forgotForm, async (fields) => {
      await services.signIn.requestPasswordReset(deviceOf(services, c), addressIn(fields))
      return answer(
        c,
        page('A new password', html`<p>If there is such an account, a mail with a link is on its way.</p>`),
      )
    }),
  )
  const resetForm = ({ token = '' }: Fields): Form => ({
    title: 'A new password',
    lead: 'It ends every session of yours.',
    action: '/reset-password',
    fields: [hidden('token', token), newPassword],
    button: 'Set it',
  })
  routes.get('/reset-password', (c) => answer(c, formPage(resetForm({ token: c.req.query('token') ?? '' }))))
  routes.post('/reset-password', (c) =>
    attempt(c, resetForm, async (fields) => {
      await services.signIn.resetPassword(fields.token ?? '', fields.password ?? '')
      return c.redirect('/sign-in', 303)
    }),
  )

  // What only asks whether there is something here, or fetches ahead, as previews of links do, does not use it up; nor does a page
  // of another site that loads it as a picture or a frame, to sign somebody in unseen.
  routes.get('/portal', (c) =>
    withLink(c, async (token) => {
      if (c.req.method === 'HEAD' || !isNavigation(c)) return c.body(null, 200)
      const { personId, organizationId, sessionSeconds } = await takePortalLink(ground, token)
      const session = { personId, organizationId, seconds: sessionSeconds }
      setCookies(c, await services.signIn.openProductSession(deviceOf(services, c), session))
      return c.redirect('/signed-in', 303)
    }),
  )
  return routes
}

/** Somebody goes there, as far as the browser says what it does (Fetch Metadata, W3C). */
const isNavigation = (c: Context<Env>) =>
  !c.req.header('sec-purpose')?.includes('prefetch') && (c.req.header('sec-fetch-dest') ?? 'document') === 'document'

async function readForm(c: Context<Env>): Promise<Fields> {
  if (!/^application\/x-www-form-urlencoded\b/i.test(c.req.header('content-type') ?? ''))
    throw new DomainError('unsupported_media_type')
  return Object.fromEntries(new URLSearchParams(await c.req.text()))
}

function required(fields: Fields, wanted: string, longest: number): string {
  const value = lineOfText(longest).safeParse(fields[wanted] ?? '')
  if (!value.success) throw fault(wanted, value.error.issues[0]?.message)
  return value.data
}

function addressIn(fields: Fields): string {
  const value = emailAddress.safeParse((fields.email ?? '').trim())
  if (!value.success) throw fault('email', value.error.issues[0]?.message)
  return value.data
}

const fault = (path: string, detail = 'is not valid') =>
  new DomainError('invalid_request', { errors: [{ path, detail }] })
