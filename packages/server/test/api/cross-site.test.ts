import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { allOperations, createAppAlone } from '../support/operations.ts'
import { goodPassword, join, Person, setUpOwner, tokenOf } from '../support/people.ts'
import { faultOf } from '../support/problems.ts'
import { expectNothingChanged } from '../support/samples.ts'

const [engine] = engines
if (!engine) throw new Error('there is no engine to test on')

const isChanging = (method: string) => method !== 'GET' && method !== 'HEAD'

/** Whatever changes something and can be called with a session, or without anything: from the routes themselves. */
const ofTheApi = allOperations
  .filter(({ method, forSessions, open }) => isChanging(method) && (forSessions || open))
  .map(({ name, method, path, open }) => ({ name, method, path: path.replaceAll(/\{\w+\}/g, 'nothing'), open }))

/** The forms of the pages. A claim link is for who holds it, and knows no session; OAuth clients have none. */
const ofPages = [
  ...new Set(
    createAppAlone()
      .routes.filter(({ method }) => method === 'POST')
      .map(({ path }) => path),
  ),
]
  .filter((path) => !/^\/(v1|oauth|claim)\/|\*/.test(path))
  .map((path) => ({ name: `the form of ${path}`, method: 'POST', path, open: true }))

const sources: Readonly<Record<string, Record<string, string>>> = {
  'another site': { origin: 'https://evil.example' },
  'another port of this machine': { origin: 'http://127.0.0.1:1' },
  'a page without an origin': { origin: 'null' },
  'something that is no origin': { origin: 'evil' },
  'another site, as the browser says': { 'sec-fetch-site': 'cross-site' },
  'a neighbouring host, as the browser says': { 'sec-fetch-site': 'same-site' },
}

describe('a request from another site', () => {
  let keyturn: Keyturn
  let owner: Person
  beforeAll(async () => {
    keyturn = await openKeyturn(engine, { KEYTURN_PUBLIC_URL: 'https://keys.example.com' })
    owner = await setUpOwner(keyturn)
  })
  afterAll(() => keyturn.stop())

  const send = ({ method, path, name }: (typeof ofPages)[number], cookie: string, headers: Record<string, string>) =>
    keyturn.request(method, path, {
      key: null,
      ...(name.startsWith('the form')
        ? { raw: 'token=x&email=a%40example.com&password=four+words+are+enough' }
        : { body: {} }),
      headers: {
        ...(cookie === '' ? {} : { cookie }),
        ...(name.startsWith('the form') && { 'content-type': 'application/x-www-form-urlencoded' }),
        ...headers,
      },
    })

  it('is looked for on every route', () => {
    expect(ofTheApi.length).toBeGreaterThan(35)
    expect(ofPages.map(({ path }) => path).toSorted()).toEqual([
      '/forgot-password',
      '/invitation',
      '/reminders/:token/acknowledge',
      '/reminders/:token/answer',
      '/reminders/:token/extend',
      '/reminders/:token/rotate',
      '/reset-password',
      '/set-up',
      '/sign-in',
      '/sign-in/second-factor',
      '/sign-out',
    ])
  })

  it.each([...ofTheApi, ...ofPages].map((route) => [route.name, route] as const))(
    'changes nothing by %s',
    async (_, route) => {
      await expectNothingChanged(keyturn, async () => {
        for (const [source, headers] of Object.entries(sources)) {
          for (const cookie of route.open ? ['', owner.cookie] : [owner.cookie]) {
            const answer = await send(route, cookie, headers)
            expect(faultOf(answer, { status: 403, code: 'cross_site_request' }), source).toBeNull()
            expect(answer.headers.getSetCookie(), source).toEqual([])
          }
        }
        // With a session it has to say that it comes from here.
        expect(faultOf(await send(route, owner.cookie, {}), { code: 'cross_site_request' })).toBeNull()
      })
      expect((await owner.request('GET', '/v1/me')).status).toBe(200)
    },
  )

  it('is told by where it comes from: of this installation, over TLS, as the browser says it', async () => {
    const { host } = new URL(keyturn.url)
    const trySignOut = async (headers: Record<string, string>) => {
      const person = await join(keyturn, 'default', { role: 'member' })
      return (await send({ name: '', method: 'POST', path: '/v1/sign-out', open: false }, person.cookie, headers))
        .status
    }
    expect(await trySignOut({ origin: 'https://keys.example.com' })).toBe(204)
    expect(await trySignOut({ 'sec-fetch-site': 'same-origin' })).toBe(204)
    expect(await trySignOut({ origin: `https://${host}` })).toBe(204)
    // What the browser says itself counts before what can be set elsewhere.
    expect(await trySignOut({ origin: 'https://keys.example.com', 'sec-fetch-site': 'cross-site' })).toBe(403)
    expect(await trySignOut({ origin: `http://${host}` })).toBe(403)
    expect(await trySignOut({ origin: 'http://keys.example.com' })).toBe(403)
  })

  it('is read by nobody there: no answer allows another origin', async () => {
    for (const path of ['/v1/me', '/v1/sign-in', '/sign-in']) {
      for (const method of ['GET', 'OPTIONS']) {
        const answer = await owner.request(method, path, { headers: { origin: 'https://evil.example' } })
        expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([])
      }
    }
  })
})

describe('where signing in leads to', () => {
  let keyturn: Keyturn
  let owner: Person
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    owner = await setUpOwner(keyturn)
  })
  afterAll(() => keyturn.stop())
  const locationAfter = async (next: string) => {
    const { headers } = await new Person(keyturn).submit('/sign-in', {
      email: owner.email,
      password: goodPassword,
      next,
    })
    return headers.get('location') ?? ''
  }

  it.each([
    'https://evil.example',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '/\\/evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    ' //evil.example',
    'javascript:alert(1)',
    'data:text/html,x',
    'evil.example',
    '@evil.example',
    '.evil.example',
    ':80@evil.example',
    '/ok\r\nSet-Cookie: a=b',
    '/\u0000/evil.example',
    '/\u2028/evil.example',
    '',
  ])('is a page of this installation, whatever the link said: %j', async (next) => {
    expect(await locationAfter(next)).toBe('/signed-in')
  })

  it.each(['/docs', '/invitation?token=abc', '/.//evil.example', '/%5Cevil.example'])(
    'is where they were: %s',
    async (next) => {
      const location = await locationAfter(next)
      expect(location).toBe(next)
      expect(new URL(location, 'https://keys.example.com').origin).toBe('https://keys.example.com')
    },
  )

  it('no page says where to go but these', async () => {
    const link = await keyturn.request('POST', '/v1/organizations/default/invitations', {
      body: { email: owner.email.replace('owner', 'other'), role: 'member' },
    })
    const invitation = await owner.request('GET', `/invitation?token=${tokenOf(link.body.url)}&next=//evil.example`)
    expect(invitation.text).not.toContain('evil.example')
    for (const path of ['/set-up', '/portal', '/signed-in', '/forgot-password', '/reset-password']) {
      const answer = await new Person(keyturn).request('GET', `${path}?token=x&next=//evil.example`)
      expect(answer.headers.get('location') ?? '/sign-in', path).toBe('/sign-in')
      expect(answer.text, path).not.toContain('evil.example')
    }
  })
})
