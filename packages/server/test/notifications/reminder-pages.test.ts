import { randomBytes } from 'node:crypto'
import type { Key, Secret } from '@keyturn/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MasterKey } from '../../src/kernel/master-key.ts'
import { actionLinks, expiryOfLinks, type LinkSubject } from '../../src/notifications/action-links.ts'
import { anEngine } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { type Mailbox, openMailbox } from '../support/mailbox.ts'
import { join, newEmail, Person, setUpOwner } from '../support/people.ts'
import { Reminding } from '../support/reminding.ts'

const day = 86_400_000

describe.each(anEngine('PGlite'))('the links of a reminder, on $name', (engine) => {
  let keyturn: Keyturn
  let owner: Person
  let mailbox: Mailbox
  beforeAll(async () => {
    mailbox = await openMailbox()
    keyturn = await openKeyturn(engine)
    owner = await setUpOwner(keyturn)
  })
  afterAll(async () => {
    await keyturn.stop()
    await mailbox.stop()
  })

  const subjectOf = (key: Key, secret: Secret, fields: Partial<LinkSubject> = {}): LinkSubject => {
    const endsAt = Date.parse(secret.retires_at ?? secret.expires_at ?? '')
    return {
      organizationId: key.organization_id,
      keyId: key.id,
      subjectId: secret.id,
      reason: 'expiry',
      endsAt,
      recipient: 'ada@example.com',
      expiresAt: expiryOfLinks(endsAt, 0),
      ...fields,
    }
  }
  const pathsOf = (about: LinkSubject, masterKey = keyturn.masterKey) => {
    const { extend, rotate, lapse } = actionLinks(masterKey, '', about)
    return { extend, rotate, lapse, page: extend.replace(/\/extend$/, '') }
  }
  /** A key with the links of the reminder that its owner gets. */
  async function makeLinks(fields: object = {}, project = 'default') {
    const { key, secret } = await keyturn.createKey(project, {
      owner: 'ada@example.com',
      expires_in: 14 * 86_400,
      ...fields,
    })
    return { key, secret, ...pathsOf(subjectOf(key, secret)) }
  }
  const reader = () => new Person(keyturn)
  const readKey = async (id: string) => (await keyturn.request('GET', `/v1/keys/${id}`)).body as Key
  const eventsOf = async (key: string, action?: string) =>
    (
      await keyturn.request(
        'GET',
        `/v1/organizations/default/audit-events?key=${key}${action ? `&action=${action}` : ''}`,
      )
    ).body.data
  interface OutgoingMail {
    readonly id: string
    readonly recipient: string
    readonly about: string
    readonly subject: string
    readonly text: string
    readonly html: string
  }
  /** Newest first, whether or not somebody has sent them by now. */
  async function mailsTo(recipient: string, about = 'request'): Promise<OutgoingMail[]> {
    const outbox = '/v1/organizations/default/outbox'
    const listed: OutgoingMail[] = (await keyturn.request('GET', `${outbox}?limit=100`)).body.data
    const theirs = listed.filter((mail) => mail.recipient === recipient && mail.about === about)
    return Promise.all(theirs.map(async ({ id }) => (await keyturn.request('GET', `${outbox}/${id}`)).body))
  }
  const until = (html: string) => /name="until" value="([^"]+)"/.exec(html)?.[1] ?? ''

  it('change nothing when they are opened, looked at, fetched ahead, or sent as a program finds them', async () => {
    const { key, ...links } = await makeLinks()
    const before = [await readKey(key.id), await eventsOf(key.id)]
    for (const person of [reader(), owner]) {
      for (const path of [links.page, links.extend, links.rotate, links.lapse]) {
        for (const method of ['GET', 'HEAD'])
          expect((await person.request(method, path, { headers: { 'sec-purpose': 'prefetch' } })).status).toBe(200)
        expect((await reader().request('PUT', path)).body.code).toBe('method_not_allowed')
      }
      const { text } = await reader().request('GET', links.lapse)
      expect(text).not.toContain('checked')
    }
    // A form as it stands in the page: nothing is chosen.
    const asFound = await reader().submit(`${links.page}/answer`, { note: '' })
    expect([asFound.status, asFound.text.includes('Choose first what should happen.')]).toEqual([422, true])
    expect([await readKey(key.id), await eventsOf(key.id)]).toEqual(before)
  })

  it('lead, where anything is wrong with them, to one page that says the same of all', async () => {
    const { key, secret, page } = await makeLinks()
    const other = await keyturn.createOrganization()
    const otherProject = await keyturn.createProject(other.id)
    const gone = await makeLinks()
    await keyturn.request('DELETE', `/v1/keys/${gone.key.id}?confirm=DELETE`)
    const about = subjectOf(key, secret)
    const altered = `${page.slice(0, -6)}${page.at(-6) === 'A' ? 'B' : 'A'}${page.slice(-5)}`
    const foreign = await keyturn.createKey(otherProject.id)
    const now = await keyturn.ground.now(keyturn.ground.reader)
    const wrong = {
      invented: '/reminders/nonsense',
      long: `/reminders/${'A'.repeat(5000)}`,
      altered,
      cut: page.slice(0, -1),
      'of another installation': pathsOf(about, new MasterKey(randomBytes(32))).page,
      expired: pathsOf({ ...about, expiresAt: now }).page,
      'of a deleted key': gone.page,
      'of a key of another organization': pathsOf({ ...about, keyId: foreign.key.id }).page,
      'of a secret of another key': pathsOf({ ...about, subjectId: foreign.secret.id }).page,
      'of a credential that is not there': pathsOf({ ...about, keyId: null, subjectId: 'trc_nothing' }).page,
    }
    const answers = new Set<string>()
    for (const [name, path] of Object.entries(wrong))
      for (const person of [reader(), owner]) {
        for (const way of ['', '/extend', '/rotate', '/lapse']) {
          const { status, text } = await person.request('GET', `${path}${way}`)
          expect(status, name).toBe(404)
          answers.add(text)
        }
        for (const way of ['extend', 'rotate', 'acknowledge', 'answer']) {
          const { status, text } = await person.submit(`${path}/${way}`, {
            wish: 'extend',
            until: '2030-01-01T00:00:00.000Z',
          })
          expect(status, name).toBe(404)
          answers.add(text)
        }
      }
    expect([...answers]).toEqual([expect.stringContaining('This link works no more')])
  })

  it('work until 30 days after the end, and not longer', async () => {
    const { page, secret } = await makeLinks()
    const end = Date.parse(secret.expires_at ?? '')
    keyturn.clock.advance(end + 30 * day - 60_000 - (await keyturn.ground.now(keyturn.ground.reader)))
    expect((await reader().request('GET', page)).text).toContain('ended 30 days ago')
    keyturn.clock.advance(60_000)
    expect((await reader().request('GET', page)).status).toBe(404)
    await owner.signIn()
  })

  describe('for whoever holds them', () => {
    it('from the mail on: whoever says that they know is left in peace until the last two thresholds', async () => {
      const email = newEmail('holder')
      const { key, secret } = await makeLinks({ owner: email, expires_in: 100 * 86_400 })
      const end = Date.parse(secret.expires_at ?? '')
      const reminding = new Reminding(keyturn, mailbox)
      reminding.moveUntil(end - 30 * day)
      await reminding.tend()
      reminding.moveTo(9)
      await reminding.tend()
      const [mail] = await mailsTo(email, 'reminders')
      expect(mail?.subject).toMatch(/: ends in \d+ days, on /)
      const lapse = new URL(/https?:\S+\/lapse$/m.exec(mail?.text ?? '')?.[0] ?? '').pathname
      for (const method of ['HEAD', 'GET']) await reader().request(method, lapse)
      expect(await eventsOf(key.id, 'reminder.acknowledged')).toEqual([])
      const answer = lapse.replace(/lapse$/, 'answer')
      const known = await reader().submit(answer, { wish: 'acknowledge' })
      expect([known.status, known.text.includes('Noted')]).toEqual([200, true])
      // Once more is as good as once.
      expect((await reader().submit(answer, { wish: 'acknowledge' })).status).toBe(200)
      const [event, ...more] = await eventsOf(key.id, 'reminder.acknowledged')
      expect([event.actor, more]).toEqual([{ type: 'reminder_link', id: null, name: `Link in a mail to ${email}` }, []])

      while (reminding.now < end + day) {
        reminding.moveTo(9)
        await reminding.tend()
      }
      const told = (await mailsTo(email, 'reminders')).map(({ subject }) =>
        subject.replace(/^.*: (ends|has ended).*$/, '$1'),
      )
      expect(told).toEqual(['has ended', 'ends', 'ends', 'ends'])
      const late = await reader().submit(answer, { wish: 'acknowledge' })
      expect([late.status, late.text.includes('that date is past')]).toEqual([409, true])
      await owner.signIn()
    })

    it('ask the administrators once a day for each wish: a mail to each of them with links of their own, and on record', async () => {
      const admin = await join(keyturn, 'default', { role: 'admin' })
      await join(keyturn, 'default', { role: 'manager' })
      const { key, secret, page, extend } = await makeLinks({ name: 'Zapier, <b>production</b>' })
      const note = 'We need until <spring>.\r\nBcc: eve@example.com\r\n\u200Bשלום'
      const asked = await reader().submit(`${page}/answer`, { wish: 'extend', note })
      expect([asked.status, asked.text.includes('is on its way')]).toEqual([200, true])
      for (const email of [owner.email, admin.email]) {
        const [mail, ...more] = await mailsTo(email)
        expect(more).toEqual([])
        expect(mail?.subject).toBe('Zapier, <b>production</b>: ada@example.com asks for a later end')
        expect(mail?.text).toContain('We need until <spring>.\n  Bcc: eve@example.com')
        expect(mail?.html).toContain('We need until &lt;spring&gt;.<br>Bcc: eve@example.com')
        // Their own links, which say who has followed them.
        const link = new URL(/https?:\S+\/extend$/m.exec(mail?.text ?? '')?.[0] ?? '').pathname
        expect([link === extend, (await reader().request('GET', link)).status]).toEqual([false, 200])
      }
      const [event] = await eventsOf(key.id, 'key.change_requested')
      expect(event).toMatchObject({
        actor: { type: 'reminder_link', name: 'Link in a mail to ada@example.com' },
        target: { type: 'key', id: key.id },
        after: { wish: 'extend', subject: secret.id },
      })
      expect((await readKey(key.id)).expires_at).toBe(secret.expires_at)

      const again = await Promise.all(
        ['extend', 'rotate', 'rotate', 'rotate'].map((wish) => reader().submit(`${page}/answer`, { wish })),
      )
      expect(again.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 429, 429, 429])
      expect(await mailsTo(admin.email)).toHaveLength(2)
      keyturn.clock.advance(day - 60_000)
      expect((await reader().submit(`${page}/answer`, { wish: 'extend' })).status).toBe(429)
      keyturn.clock.advance(60_000)
      expect((await reader().submit(`${page}/answer`, { wish: 'extend' })).status).toBe(200)
      expect(await eventsOf(key.id, 'key.change_requested')).toHaveLength(3)
      await owner.signIn()
    })

    it('take nothing but what the page offers', async () => {
      const { key, page } = await makeLinks()
      const refused: Record<string, string>[] = [
        {},
        { wish: '' },
        { wish: 'revoke' },
        { wish: '__proto__' },
        { wish: 'extend', note: 'x'.repeat(1001) },
        { wish: 'extend', note: 'a\u202Eb' },
        { wish: 'extend', note: '\0' },
      ]
      for (const fields of refused)
        expect((await reader().submit(`${page}/answer`, fields)).status, JSON.stringify(fields)).toBe(422)
      const json = await reader().request('POST', `${page}/answer`, { body: { wish: 'extend' } })
      expect(json.status).toBe(422)
      const large = await reader().submit(`${page}/answer`, { wish: 'extend', note: 'x'.repeat(300_000) })
      expect(large.body.code).toBe('body_too_large')
      expect(
        (await reader().submit(`${page}/answer`, { wish: 'extend' }, { 'sec-fetch-site': 'cross-site' })).body.code,
      ).toBe('cross_site_request')
      expect(await eventsOf(key.id, 'key.change_requested')).toEqual([])
    })

    it('extend and rotate nothing by themselves', async () => {
      const { key, extend, rotate } = await makeLinks()
      for (const path of [extend, rotate]) {
        const { status, text } = await reader().submit(path, { until: '2030-01-01T00:00:00.000Z' })
        expect([status, text.includes('Sign in first')]).toEqual([403, true])
      }
      expect((await readKey(key.id)).secrets).toHaveLength(1)
      expect(await eventsOf(key.id)).toHaveLength(1)
    })

    it('ask the address of the organization where it has no administrator, and say so where it has none of both', async () => {
      for (const [notificationEmail, status] of [
        ['keys@globex.example', 200],
        [undefined, 409],
      ] as const) {
        const organization = await keyturn.createOrganization({ notification_email: notificationEmail })
        const project = await keyturn.createProject(organization.id)
        const { page } = await makeLinks({}, project.id)
        expect((await reader().submit(`${page}/answer`, { wish: 'rotate' })).status).toBe(status)
        const { body } = await keyturn.request('GET', `/v1/organizations/${organization.id}/outbox`)
        expect(body.data.map((mail: { recipient: string }) => mail.recipient)).toEqual(
          notificationEmail === undefined ? [] : [notificationEmail],
        )
      }
    })
  })

  describe('for whoever is signed in', () => {
    it('acknowledge in the name of whoever does it', async () => {
      const { key, page } = await makeLinks()
      expect((await owner.submit(`${page}/acknowledge`, {})).status).toBe(200)
      expect((await eventsOf(key.id, 'reminder.acknowledged'))[0].actor.id).toBe(owner.id)
    })

    it('extend the key by the lifetime of the rules, to the date that the page spells out', async () => {
      const { key, secret, extend } = await makeLinks()
      const { text } = await owner.request('GET', extend)
      const date = until(text)
      expect(Date.parse(date) - Date.parse(secret.expires_at ?? '')).toBe(365 * day)
      const done = await owner.submit(extend, { until: date })
      expect([done.status, done.text.includes('It goes on')]).toEqual([200, true])
      expect((await readKey(key.id)).expires_at).toBe(date)
      expect((await eventsOf(key.id, 'key.extended'))[0].actor).toEqual({
        type: 'member',
        id: owner.id,
        name: 'Olga Owner',
      })
      // The page is of another date by now: nothing is done twice.
      expect((await owner.submit(extend, { until: date })).status).toBe(409)
      expect((await owner.request('GET', extend)).text).toContain('That is settled')
      expect(await eventsOf(key.id, 'key.extended')).toHaveLength(1)
    })

    it('extend it no further than the rules allow, nor to another date than was shown', async () => {
      const project = await keyturn.createProject('default')
      const { key, secret, extend } = await makeLinks({}, project.id)
      const limit = async (days: number) => {
        const policy = { default_lifetime: days * 86_400, max_lifetime: days * 86_400 }
        expect((await keyturn.request('PATCH', `/v1/projects/${project.id}`, { body: { policy } })).status).toBe(200)
      }
      await limit(20)
      const { text } = await owner.request('GET', extend)
      expect(Date.parse(until(text)) - Date.parse(secret.created_at)).toBe(20 * day)
      for (const date of ['2030-01-01T00:00:00.000Z', '', 'tomorrow'])
        expect((await owner.submit(extend, { until: date })).status).toBe(409)
      await limit(14)
      const now = await owner.request('GET', extend)
      expect([until(now.text), now.text.includes('The rules allow no later end')]).toEqual(['', true])
      expect((await readKey(key.id)).expires_at).toBe(secret.expires_at)
    })

    it('rotate the key: the new value is shown once, the old one goes on, and nobody else has the value', async () => {
      const { key, secret, rotate } = await makeLinks()
      expect((await owner.request('GET', rotate)).text).toContain('The present one goes on beside it until')
      const done = await owner.submit(rotate, {})
      expect([done.status, done.headers.get('cache-control')]).toEqual([200, 'no-store'])
      const value = /id="secret">(kt_live_\w+)</.exec(done.text)?.[1] ?? ''
      expect([(await keyturn.verify(value)).code, (await keyturn.verify(secret.value)).code]).toEqual([
        'VALID',
        'VALID',
      ])
      const again = await owner.submit(rotate, {})
      expect([again.status, again.text.includes('kt_live_') && /id="secret"/.test(again.text)]).toEqual([409, false])
      const [event] = await eventsOf(key.id, 'key.rotated')
      expect(event.actor.id).toBe(owner.id)
      for (const text of [keyturn.log.join(''), JSON.stringify(await eventsOf(key.id))])
        expect(text).not.toContain(value)
    })

    it('do what their role allows, and offer to ask for the rest', async () => {
      const email = newEmail('holder')
      const { key, extend, rotate } = await makeLinks({ owner: email })
      const holder = await join(keyturn, 'default', { role: 'member' }, email)
      const auditor = await join(keyturn, 'default', { role: 'auditor' })
      const stranger = await join(keyturn, (await keyturn.createOrganization()).id, { role: 'owner' })
      const seen = async (person: Person) => {
        const { text } = await person.request('GET', extend)
        return [/action="[^"]*\/rotate"/, /action="[^"]*\/extend"/, /value="rotate"/, /value="extend"/].map((form) =>
          form.test(text),
        )
      }
      expect(await seen(owner)).toEqual([true, true, false, false])
      expect(await seen(holder)).toEqual([true, false, false, true])
      for (const person of [auditor, stranger]) {
        expect(await seen(person)).toEqual([false, false, true, true])
        expect((await person.submit(rotate, {})).status).toBe(403)
      }
      const date = until((await owner.request('GET', extend)).text)
      for (const person of [holder, auditor, stranger])
        expect((await person.submit(extend, { until: date })).status).toBe(403)
      expect((await eventsOf(key.id)).map(({ action }: { action: string }) => action)).toEqual(['key.created'])
      expect((await holder.submit(rotate, {})).status).toBe(200)
    })

    it('do nothing for a page of another site, nor for one that does not say where it comes from', async () => {
      const { key, extend, rotate } = await makeLinks()
      const date = until((await owner.request('GET', extend)).text)
      const foreign: Record<string, string>[] = [
        { 'sec-fetch-site': 'cross-site' },
        { origin: 'https://evil.example' },
        { origin: 'null' },
      ]
      for (const [path, fields] of [
        [extend, { until: date }],
        [rotate, {}],
      ] as const)
        for (const headers of foreign)
          expect((await owner.submit(path, fields, headers)).body.code).toBe('cross_site_request')
      expect(await eventsOf(key.id)).toHaveLength(1)
    })

    it('let the old secret of a rotation go on for longer', async () => {
      const { key, secret } = await makeLinks({ expires_in: 200 * 86_400 })
      const { body } = await keyturn.request('POST', `/v1/keys/${key.id}/rotate`, { body: { overlap: 86_400 } })
      const old = body.key.secrets.find(({ id }: { id: string }) => id === secret.id)
      const { extend } = pathsOf(subjectOf(key, old, { reason: 'overlap_end' }))
      const { text } = await owner.request('GET', extend)
      expect(text).toContain('The old secret of this key ends in')
      const date = until(text)
      expect(Date.parse(date) - Date.parse(old.retires_at)).toBe(7 * day)
      expect((await owner.submit(extend, { until: date })).status).toBe(200)
      expect((await readKey(key.id)).secrets.find(({ id }) => id === secret.id)?.retires_at).toBe(date)
    })

    it('offer nothing for a key that was revoked, and a new secret for one that has ended', async () => {
      const revoked = await makeLinks()
      await keyturn.request('POST', `/v1/keys/${revoked.key.id}/revoke`)
      const { text } = await owner.request('GET', revoked.extend)
      expect([text.includes('This key was revoked'), text.includes('<form')]).toEqual([true, false])
      expect((await owner.submit(revoked.rotate, {})).status).toBe(409)

      const ended = await makeLinks({ expires_in: 86_400 })
      keyturn.clock.advance(2 * day)
      await owner.signIn()
      const page = await owner.request('GET', ended.rotate)
      expect([page.text.includes('Calls with it are refused'), /\/extend"/.test(page.text)]).toEqual([true, false])
      // Who is asked is offered no more than there is.
      expect((await reader().submit(`${ended.page}/answer`, { wish: 'extend' })).status).toBe(422)
      expect((await reader().submit(`${ended.page}/answer`, { wish: 'rotate' })).status).toBe(200)
      const [mail] = await mailsTo(owner.email)
      expect([...(mail?.text.matchAll(/^https?:.*\/(\w+)$/gm) ?? [])].map(([, way]) => way)).toEqual(['rotate'])
      expect((await owner.submit(ended.rotate, {})).status).toBe(200)
    })
  })

  it('of a tracked credential ask to have it renewed at its issuer', async () => {
    const end = new Date((await keyturn.ground.now(keyturn.ground.reader)) + 10 * day).toISOString()
    const tracked = await keyturn.request('POST', '/v1/organizations/default/tracked-credentials', {
      body: { name: 'Payments', owner: 'ada@example.com', iss: 'https://issuer.example', expires_at: end },
    })
    const { id, expires_at: expiresAt, organization_id: organizationId } = tracked.body
    const endsAt = Date.parse(expiresAt)
    const about = {
      organizationId,
      keyId: null,
      subjectId: id,
      reason: 'expiry',
      endsAt,
      recipient: 'ada@example.com',
      expiresAt: endsAt,
    } as const
    const { page, lapse } = pathsOf(about)
    const { text } = await owner.request('GET', lapse)
    expect([
      text.includes('https://issuer.example'),
      text.includes('have it renewed'),
      /\/(extend|rotate)"/.test(text),
    ]).toEqual([true, true, false])
    expect((await reader().submit(`${page}/answer`, { wish: 'rotate' })).status).toBe(200)
    expect((await mailsTo(owner.email))[0]?.subject).toBe('Payments: ada@example.com asks to have it renewed')
    expect((await owner.submit(`${page}/rotate`, {})).status).toBe(403)
  })

  it('are in no log and no audit event', async () => {
    const { key, page, extend, lapse } = await makeLinks()
    const token = page.split('/').at(-1) ?? ''
    await reader().request('GET', lapse)
    await reader().submit(`${page}/answer`, { wish: 'rotate' })
    await owner.submit(extend, { until: 'x' })
    await reader().request('PUT', page)
    await reader().request('GET', `${page}/nothing/of/the/kind`)
    await reader().request('GET', `/sign-in?next=${encodeURIComponent(extend)}`)
    const log = keyturn.log.join('')
    expect(log).toContain('/reminders/[token]')
    expect([log.includes(token), JSON.stringify(await eventsOf(key.id)).includes(token)]).toEqual([false, false])
  })
})
