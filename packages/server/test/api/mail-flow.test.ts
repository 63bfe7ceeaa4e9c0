import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anEngine } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { linkIn, type Mailbox, openMailbox } from '../support/mailbox.ts'
import { accept, goodPassword, newEmail, Person, setUpOwner, tokenOf } from '../support/people.ts'
import { faultOf } from '../support/problems.ts'

const hour = 3_600_000
const day = 24 * hour

describe.each(anEngine('PostgreSQL'))('people by mail, on $name', (engine) => {
  let keyturn: Keyturn
  let mailbox: Mailbox
  let owner: Person
  beforeAll(async () => {
    mailbox = await openMailbox()
    keyturn = await openKeyturn(engine, { SMTP_URL: mailbox.url, KEYTURN_MAIL_FROM: 'Keyturn <keys@globex.example>' })
    owner = await setUpOwner(keyturn)
  })
  afterAll(async () => {
    await keyturn.stop()
    await mailbox.stop()
  })
  const invite = (email: string, roles: object, by = owner) =>
    by.request('POST', '/v1/organizations/default/invitations', { body: { email, ...roles } })

  it('an invitation goes to the mailbox alone, opens a sign-up, gives a role on one project, and leaving ends it', async () => {
    const [here, elsewhere] = [await keyturn.createProject('default'), await keyturn.createProject('default')]
    const { key } = await keyturn.createKey(here.id)
    const { key: foreign } = await keyturn.createKey(elsewhere.id)
    const email = newEmail('grace')

    const invited = await invite(email, { projects: [{ project: here.slug, role: 'manager' }] })
    expect(invited).toMatchObject({ status: 201, body: { url: null, invitation: { email, mailed: true, role: null } } })
    const mail = await mailbox.newestTo(email)
    expect(mail.recipients).toEqual([email])
    expect(mail.email).toMatchObject({
      from: { name: 'Keyturn', address: 'keys@globex.example' },
      to: [{ address: email }],
      subject: 'Olga Owner invites you to Default',
    })
    expect(mail.email.text).toContain('within seven days')
    const token = tokenOf(linkIn(mail))
    // Nobody else has it: neither the answer, nor the log, nor the audit trail.
    const events = await keyturn.request('GET', '/v1/organizations/default/audit-events?limit=20')
    for (const text of [invited.text, keyturn.log.join(''), events.text]) expect(text).not.toContain(token)

    const grace = new Person(keyturn)
    const page = await grace.request('GET', `/invitation?token=${token}`)
    expect(page).toMatchObject({ status: 200 })
    const signedUp = await grace.submit('/invitation', { token, name: 'Grace', password: goodPassword })
    expect([signedUp.status, signedUp.headers.get('location')]).toEqual([303, '/signed-in'])
    const me = await grace.request('GET', '/v1/me')
    expect(me.body).toMatchObject({
      email,
      memberships: [{ role: null, projects: [{ project_id: here.id, role: 'manager' }] }],
    })
    expect((await grace.submit('/invitation', { token, name: 'Grace', password: goodPassword })).status).toBe(410)

    const made = await grace.request('POST', `/v1/projects/${here.id}/keys`, { body: { name: 'Warehouse' } })
    expect(made).toMatchObject({ status: 201, body: { key: { owner: email } } })
    expect((await grace.request('GET', `/v1/keys/${key.id}`)).status).toBe(200)
    expect((await grace.request('GET', `/v1/keys/${foreign.id}`)).body.code).toBe('key_not_found')

    const remove = `/v1/organizations/default/members/${me.body.id}/remove`
    const removed = await owner.request('POST', remove, { body: { hand_over_to: owner.id, rotate_seen: true } })
    expect(removed).toMatchObject({
      status: 200,
      body: { keys: [{ id: made.body.key.id, handed_over: true, rotation: 'rotated' }] },
    })
    expect((await grace.request('GET', '/v1/me')).status).toBe(401)
    const again = new Person(keyturn)
    await again.signIn(email)
    expect((await again.request('GET', '/v1/me')).body.memberships).toEqual([])
    expect((await again.request('GET', `/v1/keys/${key.id}`)).body.code).toBe('key_not_found')
  })

  it('a forgotten password is set anew with a link that works once and for an hour, and every session ends', async () => {
    const email = newEmail()
    await invite(email, { role: 'member' })
    const person = await accept(keyturn, linkIn(await mailbox.newestTo(email)), email)
    const ask = async () => {
      const before = mailbox.mails.length
      const answer = await new Person(keyturn).request('POST', '/v1/password-resets', { body: { email } })
      expect([answer.status, answer.text]).toEqual([204, ''])
      await expect.poll(() => mailbox.mails.length).toBe(before + 1)
      return tokenOf(linkIn(await mailbox.newestTo(email)))
    }
    const complete = (token: string, password: string) =>
      new Person(keyturn).request('POST', '/v1/password-resets/complete', { body: { token, password } })

    const late = await ask()
    const token = await ask()
    expect((await complete(token, 'short')).body.code).toBe('password_refused')
    expect((await complete(token, 'some other good words')).status).toBe(204)
    expect((await complete(token, 'yet other good words')).body.code).toBe('link_expired')
    expect((await person.request('GET', '/v1/me')).status).toBe(401)
    expect((await new Person(keyturn).signIn(email)).status).toBe(403)
    expect((await new Person(keyturn).signIn(email, 'some other good words')).status).toBe(200)
    expect(late).not.toBe(token)
    const events = await keyturn.request('GET', `/v1/organizations/default/audit-events?action=person.password_changed`)
    expect(events.body.data[0]).toMatchObject({ target: { id: person.id } })
  })

  it('nobody learns from it who has an account, not even while no mail can be sent', async () => {
    const ask = (email: string) => new Person(keyturn).request('POST', '/v1/password-resets', { body: { email } })
    mailbox.refuse(true)
    try {
      const [known, unknown] = [await ask(owner.email), await ask(newEmail())]
      expect([known.status, known.text]).toEqual([unknown.status, unknown.text])
      await expect.poll(() => keyturn.log.join('')).toContain('a mail could not be sent')
    } finally {
      mailbox.refuse(false)
    }
  })

  it('a mail that is not taken leaves a link to hand over, and the address counts as unproven', async () => {
    const email = newEmail()
    mailbox.refuse(true)
    try {
      const invited = await invite(email, { role: 'auditor' })
      expect(invited).toMatchObject({ status: 201, body: { invitation: { mailed: false } } })
      await accept(keyturn, invited.body.url, email)
    } finally {
      mailbox.refuse(false)
    }
    const { email_verified: verified } = await keyturn.database.reader
      .selectFrom('people')
      .select('email_verified')
      .where('email', '=', email)
      .executeTakeFirstOrThrow()
    expect(verified).toBe(false)
  })

  it('neither a name nor an address becomes another header or recipient', async () => {
    for (const email of ['a@example.com, b@example.com', 'a@example.com\r\nBcc: b@example.com', '<a@example.com>'])
      expect(faultOf(await invite(email, { role: 'member' }), { path: 'email' }), email).toBeNull()
    const email = newEmail()
    const organization = await keyturn.createOrganization({ name: 'Globex; "Keys" <x@example.com>, Ünïcode 日本' })
    await keyturn.request('POST', `/v1/organizations/${organization.id}/invitations`, {
      body: { email, role: 'owner' },
    })
    const mail = await mailbox.newestTo(email)
    expect([mail.recipients, mail.email.cc, mail.email.bcc]).toEqual([[email], undefined, undefined])
    expect(mail.email.subject).toContain('Globex; "Keys" <x@example.com>, Ünïcode 日本')
  })

  it('an invitation is worth nothing after seven days, once withdrawn, and once there is a newer one', async () => {
    const email = newEmail()
    const tokens: string[] = []
    const inviteAgain = async () => {
      const before = mailbox.mails.length
      const { body } = await invite(email, { role: 'member' })
      await expect.poll(() => mailbox.mails.length).toBe(before + 1)
      tokens.push(tokenOf(linkIn(await mailbox.newestTo(email))))
      return body.invitation.id
    }
    const tryToAccept = (token = '') =>
      new Person(keyturn).request('POST', '/v1/invitations/accept', {
        body: { token, name: 'Late', password: goodPassword },
      })
    await inviteAgain()
    const withdrawn = await inviteAgain()
    await owner.request('DELETE', `/v1/organizations/default/invitations/${withdrawn}`)
    await inviteAgain()
    expect((await tryToAccept(tokens[0])).body.code).toBe('link_expired')
    expect((await tryToAccept(tokens[1])).body.code).toBe('link_expired')
    keyturn.clock.advance(7 * day)
    expect((await tryToAccept(tokens[2])).body.code).toBe('link_expired')
    expect((await new Person(keyturn).request('GET', `/invitation?token=${tokens[2]}`)).status).toBe(410)
    await owner.signIn()
  })
})

describe.each(anEngine('PostgreSQL'))('without mail, on $name', (engine) => {
  let keyturn: Keyturn
  let owner: Person
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    owner = await setUpOwner(keyturn)
  })
  afterAll(() => keyturn.stop())

  it('an invitation is a link to copy, and so is a new password', async () => {
    const email = newEmail()
    const invited = await owner.request('POST', '/v1/organizations/default/invitations', {
      body: { email, role: 'member' },
    })
    expect(invited.body).toMatchObject({ invitation: { mailed: false }, url: expect.stringContaining('/invitation?') })
    const person = await accept(keyturn, invited.body.url, email)
    const path = `/v1/organizations/default/members/${person.id}/password-reset`
    const reset = await owner.request('POST', path)
    expect(reset).toMatchObject({ status: 201, body: { mailed: false } })
    keyturn.clock.advance(hour / 2)
    const page = await person.submit('/reset-password', {
      token: tokenOf(reset.body.url),
      password: 'some other good words',
    })
    expect([page.status, page.headers.get('location')]).toEqual([303, '/sign-in'])
    expect((await new Person(keyturn).signIn(email, 'some other good words')).status).toBe(200)
  })

  it('whoever belongs elsewhere, too, is given no link by one of their organizations', async () => {
    await owner.signIn()
    const other = await keyturn.createOrganization()
    const email = newEmail()
    const first = await keyturn.request('POST', `/v1/organizations/${other.id}/invitations`, {
      body: { email, role: 'member' },
    })
    const person = await accept(keyturn, first.body.url, email)
    const second = await owner.request('POST', '/v1/organizations/default/invitations', {
      body: { email, role: 'member' },
    })
    const token = tokenOf(second.body.url)
    // The link alone opens no account that is there, nor does somebody else's session take it.
    for (const by of [new Person(keyturn), owner]) {
      const answer = await by.request('POST', '/v1/invitations/accept', {
        body: { token, name: 'Mallory', password: goodPassword },
      })
      expect(answer.body.code).toBe('sign_in_to_accept')
    }
    expect((await person.request('POST', '/v1/invitations/accept', { body: { token } })).status).toBe(200)
    const reset = await owner.request('POST', `/v1/organizations/default/members/${person.id}/password-reset`)
    expect(faultOf(reset, { code: 'belongs_elsewhere' })).toBeNull()
  })
})
