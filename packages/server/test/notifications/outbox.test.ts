import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MasterKey } from '../../src/kernel/master-key.ts'
import { readSettings } from '../../src/main/settings.ts'
import { groundOf } from '../../src/main/start.ts'
import { type MailFollower, MailSender } from '../../src/notifications/mail-sender.ts'
import { enqueueMail, readMail, retryMail } from '../../src/notifications/outbox.ts'
import { openSmtpMailer } from '../../src/notifications/smtp-mailer.ts'
import { createOrganization } from '../../src/organizations/create-organization.ts'
import { rootCaller } from '../../src/people/authenticate.ts'
import type { Call } from '../../src/people/call.ts'
import { anEngine } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { type Mailbox, openMailbox } from '../support/mailbox.ts'
import { newEmail } from '../support/people.ts'
import { faultOf } from '../support/problems.ts'

const minute = 60_000
// Another sender may have taken it: that of the server itself.
const soon = { timeout: 15_000, interval: 20 }
const hour = 60 * minute
const day = 24 * hour

describe.each(anEngine('PostgreSQL'))('the outbox, on $name', (engine) => {
  let keyturn: Keyturn
  let mailbox: Mailbox
  let organizationId: string
  const senders: MailSender[] = []
  beforeAll(async () => {
    mailbox = await openMailbox()
    // Its own sender runs too, like that of another node.
    keyturn = await openKeyturn(engine, { SMTP_URL: mailbox.url })
    organizationId = (await keyturn.createOrganization()).id
  })
  afterAll(async () => {
    for (const sender of senders) sender.stop()
    await keyturn.stop()
    await mailbox.stop()
  })

  const mailer = () => openSmtpMailer(mailbox.url, 'Keyturn <keys@globex.example>', 200)
  const follower = { stillHolds: async () => true, settled: async () => {} }
  function openSender(parts: Partial<ConstructorParameters<typeof MailSender>[0]> = {}): MailSender {
    const sender = new MailSender({ ground: keyturn.ground, mailer: mailer(), follower, ...parts })
    senders.push(sender)
    return sender
  }
  const enqueue = (recipient: string, more: { html?: string; messageId?: string } = {}) =>
    keyturn.ground.change(async (tx) => {
      const mail = { recipient, subject: 'Two keys end soon', text: 'In ten days.', html: null, messageId: null }
      return enqueueMail(tx, organizationId, { ...mail, about: 'test', ...more }, await keyturn.ground.now(tx))
    })
  const read = async (id: string) => (await keyturn.request('GET', `${path()}/${id}`)).body
  const path = () => `/v1/organizations/${organizationId}/outbox`
  const mailsTo = (recipient: string) => mailbox.mails.filter(({ recipients }) => recipients.includes(recipient))

  it('a mail goes once, as HTML and text, marked as nobody’s to answer, and is sent when the server has taken it', async () => {
    const to = newEmail()
    const id = await enqueue(to, { html: '<p>In <b>ten</b> days.</p>', messageId: '<abc.def@keys.example>' })
    await Promise.all([openSender().sendDue(), openSender().sendDue()])
    await expect.poll(() => read(id), soon).toMatchObject({ state: 'sent', attempts: 1, last_error: null })
    const [mail, ...more] = mailsTo(to)
    expect(more).toEqual([])
    expect(mail?.email).toMatchObject({
      subject: 'Two keys end soon',
      messageId: '<abc.def@keys.example>',
      html: expect.stringContaining('<b>ten</b>'),
    })
    expect(mail?.email.text).toContain('In ten days.')
    expect(mail?.email.headers).toContainEqual(
      expect.objectContaining({ key: 'auto-submitted', value: 'auto-generated' }),
    )
    await openSender().sendDue()
    expect(mailsTo(to)).toHaveLength(1)
  })

  it.each([
    ['refuses for now', 451 as const, /takes nothing/],
    ['falls silent', 'stall' as const, /./],
    ['breaks the connection', 'drop' as const, /./],
  ])(
    'a server that %s is asked again after a minute, five, thirty …, and the mail arrives once',
    async (_, manner, reason) => {
      const to = newEmail()
      const sender = openSender()
      mailbox.behave(() => manner)
      const id = await enqueue(to)
      for (const [attempts, pause] of [minute, 5 * minute, 30 * minute].entries()) {
        await sender.sendDue()
        await expect.poll(() => read(id), soon).toMatchObject({ state: 'queued', attempts: attempts + 1 })
        const { next_attempt_at, last_error } = await read(id)
        expect(last_error).toMatch(reason)
        const ahead = Date.parse(next_attempt_at) - keyturn.clock.now()
        expect(ahead).toBeGreaterThan(pause - 30_000)
        expect(ahead).toBeLessThanOrEqual(pause)
        // Before its time nothing happens.
        await sender.sendDue()
        expect((await read(id)).attempts).toBe(attempts + 1)
        keyturn.clock.advance(pause)
      }
      mailbox.behave(() => 'take')
      await sender.sendDue()
      await expect.poll(() => read(id), soon).toMatchObject({ state: 'sent', attempts: 4, last_error: null })
      expect(mailsTo(to)).toHaveLength(1)
    },
  )

  it('what is refused for good fails at once with the reason, what is refused for now after three days; both can be retried', async () => {
    const [gone, full] = [newEmail(), newEmail()]
    mailbox.behave((recipient) => (recipient === gone ? 550 : 452))
    const sender = openSender()
    const [never, later] = [await enqueue(gone), await enqueue(full)]
    await sender.sendDue()
    await expect
      .poll(() => read(never))
      .toMatchObject({
        state: 'failed',
        attempts: 1,
        last_error: expect.stringContaining('takes nothing'),
        next_attempt_at: null,
      })
    const hours: number[] = []
    for (let passed = 0; passed < 80; passed++) {
      const { attempts } = await read(later)
      await sender.sendDue()
      if ((await read(later)).attempts > attempts) hours.push(passed)
      if ((await read(later)).state === 'failed') break
      keyturn.clock.advance(hour)
    }
    expect(await read(later)).toMatchObject({ state: 'failed', last_error: expect.stringContaining('takes nothing') })
    expect(hours.at(-1)).toBeGreaterThanOrEqual(71)
    expect(hours.at(-1)).toBeLessThanOrEqual(73)
    expect(hours.length).toBeLessThan(12)

    const failed = await keyturn.request('GET', `${path()}?state=failed`)
    expect(failed.body.data.map(({ id }: { id: string }) => id)).toEqual([later, never])
    mailbox.behave(() => 'take')
    const retried = await keyturn.request('POST', `${path()}/${never}/retry`)
    expect(retried).toMatchObject({ status: 200, body: { id: never, state: 'queued', attempts: 0 } })
    await sender.sendDue()
    await expect.poll(() => read(never), soon).toMatchObject({ state: 'sent' })
    const again = await keyturn.request('POST', `${path()}/${never}/retry`)
    expect(faultOf(again, { status: 409, code: 'mail_cannot_be_retried' })).toBeNull()
  })

  it('a mail that may not be sent to anybody stands in nobody’s way', async () => {
    const [refused, other] = [newEmail(), newEmail()]
    mailbox.behave((recipient) => (recipient === refused ? 450 : 'take'))
    const ids: string[] = []
    for (let each = 0; each < 12; each++) ids.push(await enqueue(refused))
    const last = await enqueue(other)
    await openSender().sendDue()
    await expect.poll(() => read(last), soon).toMatchObject({ state: 'sent' })
    expect(await read(ids[0] ?? '')).toMatchObject({ state: 'queued' })
  })

  it('whoever dies between the acceptance and the mark leaves a repeat with the same Message-ID', async () => {
    mailbox.behave(() => 'take')
    const to = newEmail()
    const real = mailer()
    const dying = openSender({
      mailer: {
        send: async (mail) => {
          await real.send(mail)
          // The process ends here: nothing that it would do after is ever done.
          await new Promise(() => {})
        },
      },
    })
    await keyturn.ground.reader.updateTable('mails').set({ state: 'obsolete' }).where('state', '=', 'queued').execute()
    const id = await enqueue(to)
    // On the engine with one connection its own sender may have been quicker: then there is nothing to repeat, and another is tried.
    void dying.sendDue()
    await expect.poll(() => mailsTo(to)).toHaveLength(1)
    if ((await read(id)).state === 'sent') return
    await openSender().sendDue()
    expect(mailsTo(to)).toHaveLength(1)
    keyturn.clock.advance(6 * minute)
    await openSender().sendDue()
    await expect.poll(() => read(id), soon).toMatchObject({ state: 'sent', attempts: 2 })
    const [first, second, ...more] = mailsTo(to)
    expect(more).toEqual([])
    expect(second?.email.messageId).toBe(first?.email.messageId)
  })

  it('a server that takes a mail and breaks off before it says so is sent it again under the same Message-ID', async () => {
    const to = newEmail()
    mailbox.behave(() => 'take and drop')
    const id = await enqueue(to)
    await openSender().sendDue()
    await expect.poll(() => read(id), soon).toMatchObject({ state: 'queued', attempts: 1 })
    mailbox.behave(() => 'take')
    keyturn.clock.advance(minute)
    await openSender().sendDue()
    await expect.poll(() => read(id), soon).toMatchObject({ state: 'sent' })
    const ids = new Set(mailsTo(to).map(({ email }) => email.messageId))
    expect(ids).toEqual(new Set([(await read(id)).message_id]))
  })

  it('what no longer holds is not sent', async () => {
    const to = newEmail()
    await keyturn.ground.change(async (tx) => {
      const now = (await keyturn.ground.now(tx)) + day
      const mail = { recipient: to, subject: 'Late', text: 'Late.', html: null, messageId: null }
      return enqueueMail(tx, organizationId, { ...mail, about: 'reminders' }, now)
    })
    keyturn.clock.advance(day)
    await openSender({ follower: { ...follower, stillHolds: async () => false } }).sendDue()
    const [newest] = (await keyturn.request('GET', `${path()}?limit=1`)).body.data
    expect(newest).toMatchObject({ recipient: to, state: 'obsolete', sent_at: null })
    expect(mailsTo(to)).toEqual([])
  })

  it('pages tell every mail once, newest first, and never what it says; the mail itself does', async () => {
    const seen: string[] = []
    let cursor = ''
    for (;;) {
      const { body } = await keyturn.request('GET', `${path()}?limit=7${cursor}`)
      for (const mail of body.data) {
        expect(Object.keys(mail)).not.toContain('text')
        seen.push(mail.id)
      }
      if (body.next_cursor === null) break
      cursor = `&cursor=${body.next_cursor}`
    }
    expect(seen).toEqual(seen.toSorted().toReversed())
    expect(new Set(seen).size).toBe(seen.length)
    expect(await read(seen[0] ?? '')).toMatchObject({ text: expect.stringMatching(/./) })
  })

  it('whoever may change nothing reads a mail without what makes its links work', async () => {
    const link = `https://keys.example/reminders/${'Ab-_'.repeat(30)}/lapse`
    const id = await keyturn.ground.change(async (tx) => {
      const mail = { recipient: newEmail(), subject: 'Soon', text: `Here: ${link}`, html: `<a href="${link}">here</a>` }
      return enqueueMail(tx, organizationId, { ...mail, messageId: null, about: 'test' }, await keyturn.ground.now(tx))
    })
    const readAs = async (scopes: string[]) => {
      const { secret } = await keyturn.createManagementKey(organizationId, { scopes })
      return (await keyturn.request('GET', `${path()}/${id}`, { key: secret.value })).body
    }
    expect(await readAs(['keys:read', 'keys:write'])).toMatchObject({ text: `Here: ${link}` })
    expect(await readAs(['keys:read'])).toMatchObject({
      text: 'Here: https://keys.example/reminders/[token]/lapse',
      html: '<a href="https://keys.example/reminders/[token]/lapse">here</a>',
    })
  })

  it('the mails of another organization are not there', async () => {
    const other = await keyturn.createOrganization()
    const id = await enqueue(newEmail())
    for (const [method, end] of [
      ['GET', ''],
      ['POST', '/retry'],
    ] as const) {
      const answer = await keyturn.request(method, `/v1/organizations/${other.id}/outbox/${id}${end}`)
      expect(faultOf(answer, { status: 404, code: 'mail_not_found' })).toBeNull()
    }
    const project = await keyturn.createProject(organizationId)
    const { secret } = await keyturn.createManagementKey(organizationId, { projects: [project.id] })
    const refused = await keyturn.request('GET', path(), { key: secret.value })
    expect(faultOf(refused, { status: 403, code: 'whole_organization_required' })).toBeNull()
  })
})

describe.each(anEngine('PostgreSQL'))('without SMTP_URL, on $name', (engine) => {
  it('mails are kept as not delivered, until there is a server and somebody retries them', async () => {
    const database = await engine.open()
    const mailbox = await openMailbox()
    try {
      const ground = groundOf(database, readSettings({}, '/nowhere'), new MasterKey(new Uint8Array(32)))
      const call: Call = { ...ground, caller: rootCaller, requestId: null, address: null }
      const organization = await createOrganization(call, { name: 'Globex' })
      const to = newEmail()
      const id = await ground.change(async (tx) => {
        const mail = { recipient: to, subject: 'Soon', text: 'Soon.', html: null, messageId: null }
        return enqueueMail(tx, organization.id, { ...mail, about: 'test' }, await ground.now(tx))
      })
      const settled: string[] = []
      const follower: MailFollower = {
        stillHolds: async () => true,
        settled: async (_, __, state) => void settled.push(state),
      }
      await new MailSender({ ground, mailer: null, follower }).sendDue()
      expect(await readMail(call, organization, id)).toMatchObject({ state: 'not_delivered', text: 'Soon.' })
      await retryMail(call, organization, id, async () => {})
      const mailer = openSmtpMailer(mailbox.url, 'keys@globex.example')
      await new MailSender({ ground, mailer, follower }).sendDue()
      expect((await mailbox.newestTo(to)).email.subject).toBe('Soon')
      expect(settled).toEqual(['not_delivered', 'sent'])
    } finally {
      await database.close()
      await mailbox.stop()
    }
  })
})
