import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { linkIn, type Mailbox, openMailbox, type ReceivedMail } from '../support/mailbox.ts'
import { accept, addMember, newEmail } from '../support/people.ts'
import { faultOf } from '../support/problems.ts'
import { Reminding } from '../support/reminding.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

const toWhom = (mails: readonly ReceivedMail[]) => mails.flatMap(({ recipients }) => recipients).toSorted()

describe.each(engines)('reminders, on $name', (engine) => {
  let keyturn: Keyturn
  let mailbox: Mailbox
  let reminding: Reminding
  beforeAll(async () => {
    mailbox = await openMailbox()
    keyturn = await openKeyturn(engine, { SMTP_URL: mailbox.url })
    reminding = new Reminding(keyturn, mailbox)
  })
  afterAll(async () => {
    await keyturn.stop()
    await mailbox.stop()
  })

  /** An organization of its own, with an administrator. */
  async function meet(fields: object = {}) {
    const organization = await keyturn.createOrganization(fields)
    const project = await keyturn.createProject(organization.id)
    const administrator = newEmail('admin')
    await addMember(keyturn, organization.id, administrator, 'admin')
    return { org: organization.id, project: project.id, administrator }
  }
  const list = async (org: string, query = '') =>
    (await keyturn.request('GET', `/v1/organizations/${org}/reminders${query}`)).body.data
  const days = (count: number) => count * 86_400
  async function call(secretId: string, how: 'used' | 'refused' = 'used', at = reminding.now) {
    const [use, refusal] = how === 'used' ? [at, null] : [null, at]
    const iso = (time: number | null) => (time === null ? '-infinity' : new Date(time).toISOString())
    await sql`insert into secret_activity (secret_id, last_used_at, last_refused_at, last_refused_code, addresses)
      values (${secretId}, ${iso(use)}::timestamptz, ${iso(refusal)}::timestamptz, 'EXPIRED', '[]')
      on conflict (secret_id) do update set last_used_at = greatest(secret_activity.last_used_at, excluded.last_used_at),
        last_refused_at = greatest(secret_activity.last_refused_at, excluded.last_refused_at),
        last_refused_code = excluded.last_refused_code`.execute(keyturn.database.reader)
  }

  it('each threshold is told once, in the digest of the next morning: owner and contact first, administrators from a week on', async () => {
    const { org, project, administrator } = await meet()
    const [owner, contact] = [newEmail('owner'), newEmail('team')]
    reminding.moveTo(6)
    const made = await keyturn.createKey(project, { owner, contact, expires_in: days(100) })
    const { key, secret } = made as typeof made & { reminders: { threshold: number; at: string }[] }
    const endsAt = Date.parse(key.expires_at ?? '')
    // 60 days are more than a third of 100.
    const coming = [30, 14, 7, 3, 1, 0]
    expect((made as never as { reminders: object[] }).reminders).toEqual(
      coming.map((count) => ({
        at: new Date(endsAt - count * day).toISOString(),
        reason: 'expiry',
        threshold: days(count),
      })),
    )
    expect(await reminding.remind()).toEqual([])
    const seen: [number, string[]][] = []
    for (let passed = 1; passed <= 110; passed++) {
      reminding.pass(day)
      const mails = await reminding.remind()
      if (mails.length > 0) seen.push([passed, toWhom(mails)])
    }
    const both = [contact, owner].toSorted()
    const all = [administrator, contact, owner].toSorted()
    expect(seen).toEqual([
      [71, both],
      [87, both],
      [94, all],
      [98, all],
      [100, all],
      [101, all],
    ])
    const told = await list(org, `?key=${key.id}`)
    expect(told).toHaveLength(2 * 2 + 3 * 4)
    expect(new Set(told.map(({ state }: { state: string }) => state))).toEqual(new Set(['sent']))
    const events = await keyturn.request('GET', `/v1/organizations/${org}/audit-events?key=${key.id}`)
    expect(events.body.data.map(({ action }: { action: string }) => action)).toEqual([
      'key.expired',
      ...Array.from({ length: 5 }, () => 'key.expiring'),
      'key.created',
    ])
    expect(events.body.data[1]).toMatchObject({
      actor: { type: 'system' },
      after: { secret: secret.id, reason: 'expiry', threshold: 86_400, ends_at: key.expires_at },
    })
    const sent = await keyturn.request('GET', `/v1/organizations/${org}/audit-events?action=reminder.sent`)
    expect(sent.body.data).toHaveLength(16)
    expect(sent.body.data[0].after.subjects).toEqual([key.id])
  })

  it('one mail holds all that its reader is to be told that day, and each reader is told in their own morning', async () => {
    const { org, project, administrator } = await meet({ name: 'Globex' })
    const inTokyo = newEmail('tokyo')
    const body = { email: inTokyo, role: 'manager' }
    await keyturn.request('POST', `/v1/organizations/${org}/invitations`, { body })
    const person = await accept(keyturn, linkIn(await mailbox.newestTo(inTokyo)), inTokyo)
    expect((await person.request('PATCH', '/v1/me', { body: { time_zone: 'Asia/Tokyo' } })).status).toBe(204)
    await keyturn.request('PATCH', `/v1/organizations/${org}`, { body: { time_zone: 'America/New_York' } })
    reminding.moveTo(5)
    const expires_in = days(30)
    for (const name of ['One', 'Two', 'Three']) await keyturn.createKey(project, { name, owner: inTokyo, expires_in })
    reminding.pass(day * 23 + hour)
    await reminding.remind()
    const planned = await list(org)
    expect(planned).toHaveLength(6)
    // 8:00 in Tokyo is 23:00 in UTC; in New York it is 12:00 or 13:00.
    const hours = new Map(planned.map((one: any) => [one.recipient, new Date(one.send_at).getUTCHours()]))
    expect(hours.get(inTokyo)).toBe(23)
    expect([12, 13]).toContain(hours.get(administrator))
    reminding.moveTo(14)
    const [toAdministrator, ...no] = await reminding.remind()
    expect(no).toEqual([])
    expect(toAdministrator?.recipients).toEqual([administrator])
    for (const name of ['One', 'Two', 'Three']) expect(toAdministrator?.email.text).toContain(name)
    reminding.moveTo(23, 1)
    const [toOwner, ...more] = await reminding.remind()
    expect(more).toEqual([])
    expect(toOwner?.recipients).toEqual([inTokyo])
    expect(toOwner?.email.text).toContain('GMT+9')
  })

  it('what ends within a day and is in use is told at once, and what would be over by the next morning', async () => {
    const { project } = await meet()
    const [used, unused] = [newEmail('used'), newEmail('unused')]
    reminding.moveTo(9)
    const { secret } = await keyturn.createKey(project, { owner: used, expires_in: days(30) + 3600 })
    await keyturn.createKey(project, { owner: unused, expires_in: days(30) + 3600 })
    const short = newEmail('short')
    reminding.pass(28 * day)
    await reminding.remind()
    reminding.moveTo(8, 5)
    await reminding.remind()
    await call(secret.id)
    reminding.moveTo(10, 1)
    await keyturn.request('PATCH', '/v1/projects/' + project, { body: { policy: { reminder_thresholds: [7200] } } })
    await keyturn.createKey(project, { owner: short, expires_in: 8 * 3600 })
    reminding.pass(minute)
    expect(toWhom(await reminding.remind())).toContain(used)
    reminding.pass(6 * hour)
    const mails = toWhom(await reminding.remind())
    expect(mails).toContain(short)
    expect(mails).not.toContain(unused)
  })

  it('after a time without a node only the nearest one is told, and of what has ended for a week nothing', async () => {
    const { org, project } = await meet()
    const [late, over] = [newEmail('late'), newEmail('over')]
    reminding.moveTo(6)
    const first = await keyturn.createKey(project, { owner: late, expires_in: days(300) })
    const second = await keyturn.createKey(project, { owner: over, expires_in: days(285) })
    reminding.pass(295 * day)
    await reminding.remind()
    const told = async (key: string) => (await list(org, `?key=${key}`)).map((one: any) => one.threshold)
    expect(new Set(await told(first.key.id))).toEqual(new Set([days(7)]))
    expect(await told(second.key.id)).toEqual([])
    reminding.moveTo(8, 1)
    const [mail] = (await reminding.remind()).filter(({ recipients }) => recipients.includes(late))
    expect(mail?.email.subject).toContain('in 5 days')
  })

  it('a key that was extended, rotated or revoked before the morning is not told of, and the new date is', async () => {
    const { org, project } = await meet()
    const owner = newEmail()
    reminding.moveTo(9)
    const make = async () => (await keyturn.createKey(project, { owner, expires_in: days(30) })).key.id
    const [extended, rotated, revoked] = [await make(), await make(), await make()]
    reminding.pass(23 * day + hour)
    await reminding.remind()
    expect(await list(org, '?state=planned')).toHaveLength(6)
    await keyturn.request('POST', `/v1/keys/${extended}/extend`, { body: { expires_in: days(60) } })
    await keyturn.request('POST', `/v1/keys/${rotated}/rotate`, { body: { overlap: 0, expires_in: days(60) } })
    await keyturn.request('POST', `/v1/keys/${revoked}/revoke`)
    reminding.moveTo(8, 1)
    expect(await reminding.remind()).toEqual([])
    expect(await list(org, '?state=obsolete')).toHaveLength(6)
    reminding.pass(47 * day)
    await reminding.remind()
    reminding.moveTo(8, 1)
    await reminding.remind()
    const sent = await list(org, '?state=sent')
    expect(new Set(sent.map((one: any) => one.key_id))).toEqual(new Set([extended, rotated]))
  })

  it('a mail that waits is given up when nothing in it holds any more', async () => {
    const { org, project } = await meet()
    const owner = newEmail()
    reminding.moveTo(9)
    const { key } = await keyturn.createKey(project, { owner, expires_in: days(60) })
    reminding.pass(46 * day + hour)
    await reminding.remind()
    reminding.moveTo(8, 1)
    mailbox.behave(() => 451)
    await reminding.remind()
    mailbox.behave(() => 'take')
    const [waiting] = await list(org, '?state=planned')
    expect(waiting).toMatchObject({ mail_id: expect.stringMatching(/^mail_/), recipient: owner })
    await keyturn.request('POST', `/v1/keys/${key.id}/revoke`)
    reminding.pass(hour)
    expect(await reminding.remind()).toEqual([])
    expect(await list(org)).toMatchObject([{ id: waiting.id, state: 'obsolete' }])
    const { body } = await keyturn.request('GET', `/v1/organizations/${org}/outbox/${waiting.mail_id}`)
    expect(body).toMatchObject({ state: 'obsolete', sent_at: null })
  })

  it('what is refused for good is failed with the reason, on record, and can be sent again', async () => {
    const { org, project } = await meet()
    const owner = newEmail()
    reminding.moveTo(9)
    await keyturn.createKey(project, { owner, expires_in: days(60) })
    reminding.pass(46 * day + hour)
    await reminding.remind()
    reminding.moveTo(8, 1)
    mailbox.behave(() => 550)
    await reminding.remind()
    mailbox.behave(() => 'take')
    const [failed] = await list(org, '?state=failed')
    expect(failed).toMatchObject({ recipient: owner, failure: expect.stringContaining('takes nothing'), sent_at: null })
    const { body } = await keyturn.request('GET', `/v1/organizations/${org}/audit-events?action=reminder.failed`)
    expect(body.data).toMatchObject([{ after: { recipient: owner, reason: expect.stringContaining('takes nothing') } }])
    await keyturn.request('POST', `/v1/organizations/${org}/outbox/${failed.mail_id}/retry`)
    expect(await list(org)).toMatchObject([{ id: failed.id, state: 'planned', failure: null }])
    expect(toWhom(await reminding.remind())).toEqual([owner])
    expect(await list(org)).toMatchObject([{ id: failed.id, state: 'sent' }])
  })

  it('an owner who is gone falls through to the administrators, then to the organization’s address; with nobody it says so', async () => {
    const { org, project, administrator } = await meet({ notification_email: 'all@globex.example' })
    const leaver = newEmail('leaver')
    const person = await addMember(keyturn, org, leaver, 'manager')
    reminding.moveTo(9)
    const orphan = (await keyturn.createKey(project, { owner: leaver, expires_in: days(60) })).key.id
    const ownerless = (await keyturn.createKey(project, { owner: null, expires_in: days(60) })).key.id
    await keyturn.request('POST', `/v1/organizations/${org}/members/${person}/remove`, { body: { force: true } })
    reminding.pass(46 * day + hour)
    await reminding.remind()
    const whom = async (key: string) => (await list(org, `?key=${key}`)).map((one: any) => one.recipient)
    expect(await whom(orphan)).toEqual([administrator])
    expect(await whom(ownerless)).toEqual([administrator])

    const lonely = await keyturn.createOrganization({ notification_email: 'all@lonely.example' })
    const theirs = await keyturn.createProject(lonely.id)
    const { key: first } = await keyturn.createKey(theirs.id, { owner: null, expires_in: days(60) })
    reminding.pass(46 * day + hour)
    await reminding.remind()
    expect((await list(lonely.id, `?key=${first.id}`)).map((one: any) => one.recipient)).toEqual(['all@lonely.example'])
    await keyturn.request('PATCH', `/v1/organizations/${lonely.id}`, { body: { notification_email: null } })
    reminding.pass(7 * day)
    await reminding.remind()
    const [nobody] = await list(lonely.id, `?key=${first.id}&state=failed`)
    expect(nobody).toMatchObject({ recipient: null, failure: 'nobody_to_tell', threshold: days(7) })
  })

  it('acknowledged, all is quiet but the last two and that it has ended; another date begins anew', async () => {
    const { org, project, administrator } = await meet()
    const owner = newEmail()
    reminding.moveTo(9)
    const { key } = await keyturn.createKey(project, { owner, expires_in: days(100) })
    reminding.pass(70 * day + hour)
    await reminding.remind()
    const [planned] = await list(org)
    expect(planned).toMatchObject({ state: 'planned', threshold: days(30), recipient: owner })
    const answer = await keyturn.request('POST', `/v1/reminders/${planned.id}/acknowledge`)
    expect(answer).toMatchObject({ status: 200, body: { id: planned.id, state: 'quieted' } })
    await keyturn.request('POST', `/v1/reminders/${planned.id}/acknowledge`)
    const { body } = await keyturn.request('GET', `/v1/organizations/${org}/audit-events?action=reminder.acknowledged`)
    expect(body.data).toMatchObject([{ target: { id: key.id }, actor: { type: 'root_key' } }])
    const received: ReceivedMail[] = []
    for (let passed = 0; passed < 70; passed++) {
      reminding.pass(day / 2)
      received.push(...(await reminding.remind()))
    }
    const states = new Map<number, Set<string>>()
    for (const one of await list(org))
      states.set(one.threshold / 86_400, (states.get(one.threshold / 86_400) ?? new Set()).add(one.state))
    expect([...states].toSorted(([a], [b]) => b - a)).toEqual([
      [30, new Set(['quieted'])],
      [14, new Set(['quieted'])],
      [7, new Set(['quieted'])],
      [3, new Set(['sent'])],
      [1, new Set(['sent'])],
      [0, new Set(['sent'])],
    ])
    expect(toWhom(received)).toEqual([...[1, 2, 3].map(() => administrator), ...[1, 2, 3].map(() => owner)].toSorted())
  })

  it('the end of an overlap is told at half time and an hour before, only while the old secret is called', async () => {
    const { org, project } = await meet()
    reminding.moveTo(9)
    const called = await keyturn.createKey(project, { owner: newEmail(), expires_in: days(300) })
    const silent = await keyturn.createKey(project, { owner: newEmail(), expires_in: days(300) })
    for (const { key } of [called, silent])
      await keyturn.request('POST', `/v1/keys/${key.id}/rotate`, { body: { overlap: days(8) } })
    const of = async (key: string) => (await list(org, `?key=${key}`)).map((one: any) => [one.reason, one.threshold])
    reminding.pass(4 * day + hour)
    await reminding.remind()
    expect(await of(called.key.id)).toEqual([])
    // It is looked at again: what is called later is told later.
    await call(called.secret.id)
    reminding.pass(6 * minute)
    await reminding.remind()
    expect(new Set((await of(called.key.id)).map(String))).toEqual(new Set([`overlap_end,${days(4)}`]))
    reminding.pass(3 * day + 22 * hour)
    await call(called.secret.id)
    const mails = await reminding.remind()
    // An hour before, at once.
    expect(mails.filter(({ email }) => email.subject?.includes('old secret')).length).toBeGreaterThanOrEqual(2)
    expect(new Set((await of(called.key.id)).map(String))).toEqual(
      new Set([`overlap_end,${days(4)}`, 'overlap_end,3600']),
    )
    reminding.pass(2 * day)
    await reminding.remind()
    expect(await of(silent.key.id)).toEqual([])
    expect(await of(called.key.id)).toHaveLength(4)
  })

  it('a secret that has ended and is called alerts at once, then once a day while that goes on', async () => {
    const { org, project } = await meet()
    const owner = newEmail()
    reminding.moveTo(9)
    const { key, secret } = await keyturn.createKey(project, { owner, expires_in: days(2) })
    reminding.pass(20 * day)
    await reminding.remind()
    expect(await list(org, `?key=${key.id}`)).toEqual([])
    const alerts: string[][] = []
    for (let hours = 0; hours < 72; hours += 6) {
      if (hours < 60) await call(secret.id, 'refused')
      alerts.push(toWhom((await reminding.remind()).filter(({ recipients }) => recipients.includes(owner))))
      reminding.pass(6 * hour)
    }
    expect(alerts.map((one) => one.length)).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0])
    const { body } = await keyturn.request('GET', `/v1/organizations/${org}/audit-events?action=key.used_after_end`)
    expect(body.data).toHaveLength(3)
    expect(body.data[0]).toMatchObject({ target: { id: key.id }, after: { secret: secret.id } })
    // Of a key that was revoked nobody wants to hear.
    await keyturn.request('POST', `/v1/keys/${key.id}/revoke`)
    reminding.pass(day)
    await call(secret.id, 'refused')
    expect(await reminding.remind()).toEqual([])
  })

  it('a rotation that the rules want is told like an expiry, of what never expires too, as soon as the rules say so', async () => {
    const { org, project } = await meet()
    await keyturn.request('PATCH', `/v1/organizations/${org}`, { body: { policy: { allow_never_expires: true } } })
    reminding.moveTo(9)
    const { key } = await keyturn.createKey(project, { owner: newEmail(), never_expires: true })
    await reminding.remind()
    reminding.pass(87 * day)
    await reminding.remind()
    expect(await list(org, `?key=${key.id}`)).toEqual([])
    await keyturn.request('PATCH', `/v1/organizations/${org}`, { body: { policy: { rotate_every: days(90) } } })
    await reminding.remind()
    const first = await list(org, `?key=${key.id}`)
    expect(new Set(first.map((one: any) => `${one.reason} ${one.threshold}`))).toEqual(
      new Set([`rotation_due ${days(3)}`]),
    )
    // The legacy key of the project too: it never expires either.
    expect((await list(org)).length).toBeGreaterThan(first.length)
  })

  it('a tracked credential is told of like a key, and not once it is forgotten or renewed', async () => {
    const { org } = await meet()
    const owner = newEmail()
    reminding.moveTo(9)
    const path = `/v1/organizations/${org}/tracked-credentials`
    const track = async (name: string) =>
      (await keyturn.request('POST', path, { body: { name, owner, expires_at: inDays(50) } })).body.id
    const inDays = (count: number) => new Date(reminding.now + count * day).toISOString()
    const [kept, renewed, forgotten] = [await track('Stripe'), await track('Twilio'), await track('Mailgun')]
    reminding.pass(36 * day + hour)
    await keyturn.request('POST', `${path}/${renewed}/renew`, { body: { expires_at: inDays(300) } })
    await keyturn.request('DELETE', `${path}/${forgotten}`)
    await reminding.remind()
    expect((await list(org)).map((one: any) => [one.subject_id, one.threshold])).toEqual([[kept, days(14)]])
    reminding.moveTo(8, 1)
    const [mail] = await reminding.remind()
    expect(mail?.email.text).toContain('Stripe')
    const { body } = await keyturn.request(
      'GET',
      `/v1/organizations/${org}/audit-events?action=tracked_credential.expiring`,
    )
    expect(body.data).toMatchObject([{ target: { id: kept } }])
  })

  it('a clock that is moved back tells nothing twice', async () => {
    const { org, project } = await meet()
    reminding.moveTo(9)
    await keyturn.createKey(project, { owner: newEmail(), expires_in: days(200) })
    reminding.pass(187 * day)
    await reminding.remind()
    reminding.moveTo(8, 1)
    await reminding.remind()
    const before = await list(org)
    expect(before).toHaveLength(1)
    for (const back of [2, 40, 100]) {
      keyturn.clock.advance(-back * day)
      expect(await reminding.remind()).toEqual([])
      keyturn.clock.advance(back * day)
      expect(await reminding.remind()).toEqual([])
    }
    expect(await list(org)).toEqual(before)
  })

  it('the preview is the next mail as it will go out, its date and who gets it, and all that is to come', async () => {
    const { project, administrator } = await meet({ name: 'Initech' })
    const owner = newEmail()
    reminding.moveTo(9)
    const { key } = await keyturn.createKey(project, { name: 'Warehouse', owner, expires_in: days(20) })
    const preview = async () => (await keyturn.request('GET', `/v1/keys/${key.id}/reminders/preview`)).body
    const first = await preview()
    expect(first.coming.map((one: any) => one.threshold)).toEqual([days(3), days(1), 0])
    expect(first.next).toMatchObject({ reason: 'expiry', threshold: days(3), ends_at: key.expires_at })
    expect(first.next.recipients.map((one: any) => one.address).toSorted()).toEqual([administrator, owner].toSorted())
    expect(first.next.subject).toContain('Warehouse')
    reminding.moveUntil(Date.parse(first.next.recipients[0].send_at) - hour)
    await reminding.remind()
    expect((await preview()).next.subject).toBe(first.next.subject)
    reminding.pass(hour + minute)
    const mails = await reminding.remind()
    const ofKey = mails.filter(({ email }) => email.text?.includes(key.id))
    expect(toWhom(ofKey)).toEqual([administrator, owner].toSorted())
    expect(ofKey.map(({ email }) => email.subject)).toContain(first.next.subject)
    expect((await preview()).next.threshold).toBe(days(1))
    await keyturn.request('POST', `/v1/keys/${key.id}/revoke`)
    expect(await preview()).toEqual({ next: null, coming: [] })
  })

  it('a time zone that nobody knows, and a reminder of somebody else, are refused', async () => {
    const { org, project } = await meet()
    for (const time_zone of ['Mars/Olympus', '+01:00', '', 'Europe/Berlin\r\n', 'UTC; drop table', 5, null]) {
      const answer = await keyturn.request('PATCH', `/v1/organizations/${org}`, { body: { time_zone } })
      expect(faultOf(answer, { status: 400, code: 'invalid_request' })).toBeNull()
    }
    reminding.moveTo(9)
    await keyturn.createKey(project, { owner: newEmail(), expires_in: days(60) })
    reminding.pass(46 * day + hour)
    await reminding.remind()
    const [reminder] = await list(org)
    const other = await meet()
    const { secret } = await keyturn.createManagementKey(other.org, { scopes: ['keys:read', 'keys:write'] })
    const path = `/v1/reminders/${reminder.id}/acknowledge`
    const foreign = await keyturn.request('POST', path, { key: secret.value })
    expect(faultOf(foreign, { status: 404, code: 'reminder_not_found' })).toBeNull()
    const reader = await keyturn.createManagementKey(org, { scopes: ['keys:read'] })
    const unable = await keyturn.request('POST', path, { key: reader.secret.value })
    expect(faultOf(unable, { status: 403, code: 'insufficient_scope' })).toBeNull()
    expect((await list(org))[0].state).toBe('planned')
  })
})
