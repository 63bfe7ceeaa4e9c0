import { createHmac } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpLink } from '../../src/people/set-up.ts'
import { anEngine } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { Authenticator, goodPassword, join, newEmail, Person, setUpOwner, tokenOf } from '../support/people.ts'
import { faultOf } from '../support/problems.ts'

const minute = 60_000
const hour = 60 * minute

describe.each(anEngine('PostgreSQL'))('set-up, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())
  const linkAt = (now: number) => tokenOf(setUpLink(keyturn.masterKey, 'http://keys.example', now))
  const setUp = (token: string, fields: object = {}) =>
    new Person(keyturn).request('POST', '/v1/set-up', {
      body: { token, name: 'Eve', email: newEmail(), password: goodPassword, ...fields },
    })

  it('takes no link that is not ours, changed, or an hour old', async () => {
    const now = keyturn.clock.now()
    const [time = '', mark = ''] = linkAt(now).split('.')
    const later = (Number.parseInt(time, 36) + hour).toString(36)
    for (const token of ['x', `${time}.`, `${later}.${mark}`, `${time}.${mark}x`, linkAt(now - hour - minute)]) {
      expect(faultOf(await setUp(token), { status: 410, code: 'link_expired' }), token).toBeNull()
    }
  })

  it('refuses a password that everybody would guess, and leaves the link as it was', async () => {
    const token = linkAt(keyturn.clock.now())
    for (const password of ['short', 'passwordpassword', 'Eve Eve Eve Eve Eve']) {
      expect(faultOf(await setUp(token, { password }), { status: 422, code: 'password_refused' }), password).toBeNull()
    }
  })

  it('makes one owner of the first organization, however many come with the link at once, signed in and on record', async () => {
    const token = linkAt(keyturn.clock.now())
    const answers = await Promise.all(Array.from({ length: 4 }, () => setUp(token)))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 410, 410, 410])
    const { body } = await keyturn.request('GET', '/v1/organizations/default/members')
    expect(body.data).toMatchObject([{ role: 'owner', via: 'set_up', name: 'Eve' }])
    const events = await keyturn.request('GET', '/v1/organizations/default/audit-events?limit=2')
    expect(events.body.data).toMatchObject([
      { action: 'person.signed_in', actor: { type: 'member', id: body.data[0].id } },
      { action: 'member.added', after: { role: 'owner' } },
    ])
  })

  it('is over once somebody has signed up', async () => {
    expect((await setUp(linkAt(keyturn.clock.now()))).status).toBe(410)
    expect((await keyturn.request('GET', `/set-up?token=${linkAt(keyturn.clock.now())}`, { key: null })).status).toBe(
      410,
    )
  })
})

describe.each(anEngine('PostgreSQL'))('signing in, on $name', (engine) => {
  let keyturn: Keyturn
  let owner: Person
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    owner = await setUpOwner(keyturn)
  })
  afterAll(() => keyturn.stop())
  const memberOf = (role: 'admin' | 'member' = 'member') => join(keyturn, 'default', { role })

  it('with address and password opens a session, which says who it is and what they are where', async () => {
    const person = await memberOf('admin')
    const again = new Person(keyturn)
    const answer = await again.signIn(person.email)
    expect(answer).toMatchObject({ status: 200, body: { second_factor_required: false, person: { id: person.id } } })
    const { body } = await again.request('GET', '/v1/me')
    expect(body).toMatchObject({
      email: person.email,
      session: { current: true, address: '127.0.0.1' },
      memberships: [{ role: 'admin', organization: { slug: 'default' } }],
    })
  })

  it('takes the address in any case, and the password in any form of the same characters (NFKC)', async () => {
    const person = await memberOf()
    expect((await new Person(keyturn).signIn(person.email.toUpperCase())).status).toBe(200)
  })

  it('says the same of a wrong password and of an address that nobody has', async () => {
    const wrong = await new Person(keyturn).signIn((await memberOf()).email, 'another four words here')
    const unknown = await new Person(keyturn).signIn(newEmail(), 'another four words here')
    expect(faultOf(wrong, { status: 403, code: 'sign_in_refused' })).toBeNull()
    expect({ ...wrong.body, request_id: '' }).toEqual({ ...unknown.body, request_id: '' })
    expect(wrong.headers.getSetCookie()).toEqual([])
  })

  it('is never on a session that was there before: the old one ends, and the new one has another name', async () => {
    const person = await memberOf()
    const before = person.cookie
    await person.signIn()
    expect(person.cookie).not.toBe(before)
    const old = await keyturn.request('GET', '/v1/me', { key: null, headers: { cookie: before } })
    expect(old.status).toBe(401)
    // What somebody else put into the browser is not what is signed in.
    const planted = new Person(keyturn)
    planted.cookies.set('keyturn.session_token', 'planted.by-somebody-else')
    await planted.signIn(person.email)
    expect(planted.cookies.get('keyturn.session_token')).not.toContain('planted')
    expect((await planted.request('GET', '/v1/me')).status).toBe(200)
  })

  it('sets cookies that no script reads, that no other site sends along to change something, and over TLS alone where there is TLS', async () => {
    const person = await memberOf()
    for (const line of person.setCookies)
      expect(line).toMatch(/^keyturn\.(session_token|device)=.*; Path=\/; HttpOnly; SameSite=Lax/i)
    const behindTls = await openKeyturn(engine, { KEYTURN_PUBLIC_URL: 'https://keys.example.com' })
    try {
      const { setCookies } = await setUpOwner(behindTls)
      expect(setCookies.length).toBeGreaterThan(1)
      for (const line of setCookies) expect(line).toMatch(/^__Host-keyturn\.[^;]+;(?!.*Domain=).*Path=\/;.*; Secure/i)
    } finally {
      await behindTls.stop()
    }
  })

  it('ends: the cookie that was signed out is worth nothing', async () => {
    const person = await memberOf()
    const { cookie } = person
    expect((await person.request('POST', '/v1/sign-out')).status).toBe(204)
    expect(person.cookies.has('keyturn.session_token')).toBe(false)
    expect((await keyturn.request('GET', '/v1/me', { key: null, headers: { cookie } })).status).toBe(401)
  })

  it('is over after a day, by the clock of the database, and not drawn out by use', async () => {
    const person = await memberOf()
    keyturn.clock.advance(23 * hour)
    expect((await person.request('GET', '/v1/me')).status).toBe(200)
    keyturn.clock.advance(hour)
    expect((await person.request('GET', '/v1/me')).status).toBe(401)
    await owner.signIn()
  })

  it('a cookie that was changed, or signed by somebody else, is none', async () => {
    const person = await memberOf()
    const [token = '', signature = ''] = decodeURIComponent(person.cookies.get('keyturn.session_token') ?? '').split(
      '.',
    )
    const forged = createHmac('sha256', 'another secret').update(token).digest('base64')
    for (const value of [token, `${token}.`, `${token}x.${signature}`, `${token}.${forged}`]) {
      const headers = { cookie: `keyturn.session_token=${encodeURIComponent(value)}` }
      expect((await keyturn.request('GET', '/v1/me', { key: null, headers })).status, value).toBe(401)
    }
  })

  it('sessions are listed, and each can be ended from another; nobody ends somebody else’s', async () => {
    const [one, stranger] = [await memberOf(), await memberOf()]
    const two = new Person(keyturn)
    await two.signIn(one.email)
    const { body } = await two.request('GET', '/v1/me/sessions')
    expect(body.data.map((session: { current: boolean }) => session.current)).toEqual([true, false])
    const other = body.data[1].id
    expect((await stranger.request('DELETE', `/v1/me/sessions/${other}`)).body.code).toBe('session_not_found')
    expect((await two.request('DELETE', `/v1/me/sessions/${other}`)).status).toBe(204)
    expect((await one.request('GET', '/v1/me')).status).toBe(401)
    expect((await two.request('DELETE', `/v1/me/sessions/${other}`)).status).toBe(404)
  })

  it('a changed password ends every other session, and wants the old one', async () => {
    const one = await memberOf()
    const two = new Person(keyturn)
    await two.signIn(one.email)
    const change = (current_password: string, password: string) =>
      two.request('POST', '/v1/me/password', { body: { current_password, password } })
    expect((await change('not the password here', 'new words for the door')).body.code).toBe('sign_in_refused')
    expect((await change(goodPassword, 'tooshort')).body.code).toBe('password_refused')
    expect((await change(goodPassword, 'new words for the door')).status).toBe(204)
    expect((await two.request('GET', '/v1/me')).status).toBe(200)
    expect((await one.request('GET', '/v1/me')).status).toBe(401)
    expect((await new Person(keyturn).signIn(one.email)).status).toBe(403)
    expect((await new Person(keyturn).signIn(one.email, 'new words for the door')).status).toBe(200)
  })

  describe('with a second factor', () => {
    let person: Person
    let authenticator: Authenticator
    let codes: string[]
    beforeAll(async () => {
      person = await memberOf()
      const begun = await person.request('POST', '/v1/me/two-factor', { body: { password: goodPassword } })
      authenticator = new Authenticator(begun.body.totp_uri)
      codes = begun.body.recovery_codes
      const wrong = await person.request('POST', '/v1/me/two-factor/confirm', { body: { code: '000000' } })
      expect(wrong.body.code).toBe('second_factor_refused')
      expect((await new Person(keyturn).signIn(person.email)).body.second_factor_required).toBe(false)
      const body = { code: authenticator.nextCode() }
      expect((await person.request('POST', '/v1/me/two-factor/confirm', { body })).status).toBe(204)
    })
    const pass = async (body: object) => {
      const device = new Person(keyturn)
      const first = await device.signIn(person.email)
      expect(first.body).toEqual({ second_factor_required: true, person: null })
      expect((await device.request('GET', '/v1/me')).status).toBe(401)
      const second = await device.request('POST', '/v1/sign-in/second-factor', { body })
      return { device, second }
    }

    it('the password alone opens nothing, and the code does', async () => {
      const { device, second } = await pass({ code: authenticator.nextCode() })
      expect(second).toMatchObject({ status: 200, body: { person: { two_factor: true } } })
      expect((await device.request('GET', '/v1/me')).status).toBe(200)
    })

    it('a code works once, and no longer than clocks may differ', async () => {
      const [now, person] = [Date.now(), await memberOf()]
      const begun = await person.request('POST', '/v1/me/two-factor', { body: { password: goodPassword } })
      const own = new Authenticator(begun.body.totp_uri)
      const code = own.codeAt(now)
      expect((await person.request('POST', '/v1/me/two-factor/confirm', { body: { code } })).status).toBe(204)
      const enter = async (body: object) => {
        const device = new Person(keyturn)
        await device.signIn(person.email)
        return (await device.request('POST', '/v1/sign-in/second-factor', { body })).status
      }
      // What was seen over somebody's shoulder opens nothing, nor does it where several come with it at once.
      expect(await enter({ code })).toBe(403)
      const next = { code: own.codeAt(now + 30_000) }
      const statuses = await Promise.all([enter(next), enter(next), enter(next)])
      expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 403, 403])
      for (const off of [-120_000, 120_000]) expect(await enter({ code: own.codeAt(now + off) })).toBe(403)
      const [recovery_code = ''] = begun.body.recovery_codes
      const twice = await Promise.all([enter({ recovery_code }), enter({ recovery_code })])
      expect(twice.toSorted((a, b) => a - b)).toEqual([200, 403])
      const { rows } = await sql<{ text: string }>`
        select t::text as text from two_factors t where person_id = ${person.id}`.execute(keyturn.database.reader)
      expect(rows[0]?.text).not.toContain(begun.body.recovery_codes[1])
    })

    it('a password that goes no further is no sign-in on record', async () => {
      const signIns = async () =>
        (
          await keyturn.request(
            'GET',
            `/v1/organizations/default/audit-events?actor=${person.id}&action=person.signed_in`,
          )
        ).body.data.length
      const before = await signIns()
      await pass({ code: '000000' })
      expect(await signIns()).toBe(before)
    })

    it('a recovery code works once', async () => {
      const [code = ''] = codes
      expect((await pass({ recovery_code: code })).second.status).toBe(200)
      expect((await pass({ recovery_code: code })).second.body.code).toBe('second_factor_refused')
    })

    it('a challenge takes five wrong codes, and then not even the right one', async () => {
      const device = new Person(keyturn)
      await device.signIn(person.email)
      const enter = (code: string) => device.request('POST', '/v1/sign-in/second-factor', { body: { code } })
      for (let times = 0; times < 5; times++) expect((await enter('000000')).status).toBe(403)
      expect((await enter(authenticator.codeAt(Date.now()))).status).toBe(403)
    })

    it('new recovery codes take the place of the old, and it can be switched off with the password', async () => {
      const { device } = await pass({ recovery_code: codes[2] ?? '' })
      const renewed = await device.request('POST', '/v1/me/recovery-codes', { body: { password: goodPassword } })
      expect(renewed.body.recovery_codes).toHaveLength(codes.length)
      expect((await pass({ recovery_code: codes[1] ?? '' })).second.status).toBe(403)
      expect((await device.request('POST', '/v1/me/two-factor/disable', { body: { password: 'x' } })).status).toBe(403)
      expect(
        (await device.request('POST', '/v1/me/two-factor/disable', { body: { password: goodPassword } })).status,
      ).toBe(204)
      expect((await new Person(keyturn).signIn(person.email)).body.second_factor_required).toBe(false)
      const { body } = await keyturn.request('GET', `/v1/organizations/default/audit-events?actor=${person.id}`)
      const actions = body.data.map((event: { action: string }) => event.action)
      for (const action of ['person.two_factor_enabled', 'person.recovery_codes_changed', 'person.two_factor_disabled'])
        expect(actions).toContain(action)
    })
  })

  describe('too often wrong', () => {
    const guess = async (email: string, device = new Person(keyturn)) =>
      (await device.signIn(email, 'a wrong guess at it')).status

    it('keeps out whoever guesses, and not the person on a device of theirs', async () => {
      const person = await memberOf()
      const guesses = await Promise.all(Array.from({ length: 14 }, () => guess(person.email)))
      expect(guesses.filter((status) => status === 403)).toHaveLength(10)
      expect(guesses.filter((status) => status === 429)).toHaveLength(4)
      const elsewhere = await new Person(keyturn).signIn(person.email)
      expect(faultOf(elsewhere, { status: 429, code: 'too_many_attempts' })).toBeNull()
      expect(elsewhere.headers.get('retry-after')).toMatch(/^\d+$/)
      // The device with which they signed in before.
      expect((await person.signIn()).status).toBe(200)
      keyturn.clock.advance(16 * minute)
      expect((await new Person(keyturn).signIn(person.email)).status).toBe(200)
    })

    it('counts a device by itself, too, and takes nobody’s mark for somebody else', async () => {
      const [person, other] = [await memberOf(), await memberOf()]
      for (let times = 0; times < 10; times++) expect(await guess(person.email, person)).toBe(403)
      expect(await guess(person.email, person)).toBe(429)
      // With the mark of another person a guess counts as one from anywhere.
      for (let times = 0; times < 10; times++) await guess(person.email, other)
      expect((await new Person(keyturn).signIn(person.email)).status).toBe(429)
      keyturn.clock.advance(16 * minute)
    })

    it('says the same of an address that nobody has', async () => {
      const email = newEmail()
      for (let times = 0; times < 10; times++) expect(await guess(email)).toBe(403)
      expect(await guess(email)).toBe(429)
      keyturn.clock.advance(16 * minute)
    })

    it('keeps one address from trying every account', async () => {
      const statuses: number[] = []
      for (let times = 0; times < 52; times++) statuses.push(await guess(newEmail()))
      expect(statuses.filter((status) => status === 429)).toHaveLength(2)
      keyturn.clock.advance(16 * minute)
    })

    it('by somebody behind the same address does not keep out whoever comes with a device of their own', async () => {
      const person = await memberOf()
      for (let times = 0; times < 52; times++) await guess(newEmail())
      expect((await new Person(keyturn).signIn(person.email)).status).toBe(429)
      expect((await person.signIn()).status).toBe(200)
      keyturn.clock.advance(16 * minute)
    })

    it('is on record, once a minute, without what was typed', async () => {
      const person = await memberOf()
      keyturn.clock.advance(minute - ((await keyturn.ground.now(keyturn.ground.reader)) % minute))
      for (let times = 0; times < 3; times++) await guess(person.email)
      const path = '/v1/organizations/default/audit-events?action=sign_in.refused'
      const { body } = await keyturn.request('GET', path)
      const about = body.data.filter((event: { target: { id: string } }) => event.target.id === person.id)
      expect(about).toMatchObject([
        { actor: { type: 'unknown' }, after: { code: 'sign_in_refused' }, address: '127.0.0.1' },
      ])
      const { body: unknown } = await keyturn.request('GET', '/v1/audit-events?action=sign_in.refused')
      expect(unknown.data.length).toBeGreaterThan(0)
      expect(JSON.stringify([body, unknown])).not.toMatch(/wrong guess|person-\d+@/)
    })
  })

  it('keeps no password and no link as it is, and the database alone opens no session', async () => {
    const person = await memberOf()
    const { rows } = await sql<{ password: string; token: string }>`
      select a.password, s.token from accounts a join sessions s using (person_id) where person_id = ${person.id}`.execute(
      keyturn.database.reader,
    )
    expect(rows[0]?.password).toMatch(/^[0-9a-f]{32}:[0-9a-f]{128}$/)
    const headers = { cookie: `keyturn.session_token=${rows[0]?.token}` }
    expect((await keyturn.request('GET', '/v1/me', { key: null, headers })).status).toBe(401)
  })

  it('is for people: a key has no session', async () => {
    const answer = await keyturn.request('GET', '/v1/me')
    expect(faultOf(answer, { status: 403, code: 'session_required' })).toBeNull()
  })
})
