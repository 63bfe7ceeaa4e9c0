import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { acknowledgeReminders } from '../../src/expirations/acknowledge-reminders.ts'
import { alertCallsAfterEnd } from '../../src/expirations/alert-calls.ts'
import { planReminders } from '../../src/expirations/plan-reminders.ts'
import { mailStillHolds, sendDigests } from '../../src/expirations/send-digests.ts'
import { settleReminders } from '../../src/expirations/settle-reminders.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import { newId } from '../../src/kernel/ids.ts'
import { MasterKey } from '../../src/kernel/master-key.ts'
import { revokeKey } from '../../src/keys/revoke-key.ts'
import { readSettings } from '../../src/main/settings.ts'
import { groundOf } from '../../src/main/start.ts'
import { MailSender, type OutgoingMail } from '../../src/notifications/mail-sender.ts'
import { openSmtpMailer } from '../../src/notifications/smtp-mailer.ts'
import { createOrganization } from '../../src/organizations/create-organization.ts'
import { createProject } from '../../src/organizations/create-project.ts'
import { editOrganization } from '../../src/organizations/edit-organization.ts'
import { rootCaller } from '../../src/people/authenticate.ts'
import type { Call, Ground } from '../../src/people/call.ts'
import { extendKey } from '../../src/rotation/extend-key.ts'
import { rotateKey } from '../../src/rotation/rotate-key.ts'
import { type Database, openPostgres } from '../../src/storage/database.ts'
import { createPostgresDatabase } from '../support/engines.ts'
import { type Mailbox, type Manner, openMailbox } from '../support/mailbox.ts'
import {
  type NaiveKey,
  type NaiveOrganization,
  type NaiveReminder,
  NaiveReminders,
  type NaiveSecret,
  naiveEnd,
} from '../support/naive-reminders.ts'
import { addMember } from '../support/people.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const begin = Date.parse('2027-01-15T09:30:00Z')

/** The same year each time (mulberry32). */
function drawFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

class StillClock implements Clock {
  time = begin
  wallTime = () => this.time
  monotonic = () => performance.now()
  databaseTime = () => this.time
}

/** What a process that is killed leaves undone. */
class Killed extends Error {}

const keyCount = 10_000

// Of two nodes, which want two connections.
describe(`a year of reminders for ${keyCount} keys, on PostgreSQL`, () => {
  const clock = new StillClock()
  const draw = drawFrom(20_270_115)
  const below = (count: number) => Math.floor(draw() * count)
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T
  const chance = (share: number) => draw() < share
  const naive = new NaiveReminders()
  const masterKey = new MasterKey(randomBytes(32))
  let nodes: Database[] = []
  let reopen: (place: number) => Promise<void> = async () => {}
  let close: () => Promise<void> = async () => {}
  let mailbox: Mailbox
  let organizations: { naive: NaiveOrganization; project: string }[]

  const reader = () => (nodes[0] as Database).reader
  const groundFor = (place: number): Ground =>
    groundOf(nodes[place] as Database, readSettings({}, '/nowhere'), masterKey)
  const callFor = (place: number): Call => ({ ...groundFor(place), caller: rootCaller, requestId: null, address: null })

  beforeAll(async () => {
    mailbox = await openMailbox()
    const { url, drop } = await createPostgresDatabase()
    const open = () => openPostgres(url, clock, () => {}, 4)
    nodes = [open(), open()]
    reopen = async (place) => {
      await nodes[place]?.close()
      nodes[place] = open()
    }
    close = async () => {
      for (const node of nodes) await node.close()
      await drop()
    }
    organizations = [
      await makeOrganization(
        { zone: 'Europe/Berlin', thresholds: [60, 30, 14, 7, 3, 1], rotateDays: null, fallback: 'all@a.example' },
        ['admin@a.example'],
        ['gone@a.example'],
        new Map([['admin@a.example', 'Asia/Kolkata']]),
      ),
      await makeOrganization(
        { zone: 'America/St_Johns', thresholds: [90, 10, 7, 2], rotateDays: 120, fallback: 'all@b.example' },
        [],
        [],
        new Map(),
      ),
      await makeOrganization({ zone: 'UTC', thresholds: [30, 5], rotateDays: null, fallback: null }, [], [], new Map()),
    ]
  })
  afterAll(async () => {
    await close()
    await mailbox.stop()
  })

  async function makeOrganization(
    rules: { zone: string; thresholds: number[]; rotateDays: number | null; fallback: string | null },
    administrators: string[],
    gone: string[],
    zones: Map<string, string>,
  ) {
    const call = callFor(0)
    const made = await createOrganization(call, { name: rules.zone, notification_email: rules.fallback })
    const thresholds = rules.thresholds.map((count) => count * 86_400)
    const rotateEvery = rules.rotateDays === null ? null : rules.rotateDays * 86_400
    const policy = {
      reminder_thresholds: thresholds,
      rotate_every: rotateEvery,
      max_lifetime: null,
      max_active_keys: 1_000_000,
    }
    await editOrganization(call, made, { time_zone: rules.zone, policy })
    const { project } = await createProject(call, made, { name: 'Everything' })
    // The key that a project is born with never ends; where secrets are to be rotated, it is one to tell of.
    const legacy = await reader()
      .selectFrom('secrets')
      .selectAll()
      .where('organization_id', '=', made.id)
      .executeTakeFirstOrThrow()
    for (const email of administrators) {
      const id = await addMember({ database: nodes[0] as Database }, made.id, email, 'admin')
      await reader()
        .updateTable('people')
        .set({ time_zone: zones.get(email) ?? null })
        .where('id', '=', id)
        .execute()
    }
    for (const email of gone)
      await sql`insert into former_members (organization_id, email, left_at) values (${made.id}, ${email}, now())`.execute(
        reader(),
      )
    const { zone, fallback } = rules
    const org: NaiveOrganization = { id: made.id, thresholds, rotateEvery, zone, administrators, gone, fallback, zones }
    const key: NaiveKey = { id: legacy.key_id, org, owner: fallback, contact: null, revoked: false, secrets: [] }
    key.secrets.push(newSecret(legacy.id, key, legacy.created_at, Number.POSITIVE_INFINITY))
    naive.keys.push(key)
    return { naive: org, project: project.id }
  }

  const newSecret = (id: string, key: NaiveKey, created: number, expires: number): NaiveSecret => ({
    id,
    key,
    created,
    expires,
    retires: null,
    overlapStart: null,
    ended: null,
    lastUsed: null,
    lastRefused: null,
  })

  const lives = [hour, 6 * hour, day, 3 * day, 10 * day, 30 * day, 90 * day, 180 * day, 365 * day, 800 * day]

  /** Keys with random lives, made today or some time ago. */
  async function makeKeys(count: number, ago: number): Promise<void> {
    const fresh = Array.from({ length: count }, () => {
      const place = draw() < 0.7 ? organizations[0] : draw() < 0.8 ? organizations[1] : organizations[2]
      if (!place) throw new Error('there are three')
      const { naive: org } = place
      const domain = `${org.id.slice(-6)}.example`
      const [a, b] = [`one@${domain}`, `two@${domain}`]
      const owner =
        org.fallback === null && chance(0.5) ? null : pick([a, a, b, null, ...org.gone] as (string | null)[])
      const contact = org.fallback !== null && chance(0.3) ? `team@${domain}` : null
      const key: NaiveKey = {
        id: newId('key', clock.time),
        org,
        owner: owner ?? null,
        contact,
        revoked: false,
        secrets: [],
      }
      const created = clock.time - Math.floor(draw() * ago)
      const life = pick(lives) * (0.5 + draw())
      const expires = chance(0.05) ? Number.POSITIVE_INFINITY : Math.max(clock.time + 1_000, Math.floor(created + life))
      const secret = newSecret(newId('secret', clock.time), key, created, expires)
      key.secrets.push(secret)
      return { key, secret, project: place.project }
    })
    const iso = (time: number) => (Number.isFinite(time) ? new Date(time).toISOString() : 'infinity')
    await sql`
      with given as (
        select * from unnest(${fresh.map(({ key }) => key.id)}::text[], ${fresh.map(({ secret }) => secret.id)}::text[],
          ${fresh.map(({ key }) => key.org.id)}::text[], ${fresh.map(({ project }) => project)}::text[],
          ${fresh.map(({ key }) => key.owner)}::text[], ${fresh.map(({ key }) => key.contact)}::text[],
          ${fresh.map(({ secret }) => iso(secret.created))}::timestamptz[], ${fresh.map(({ secret }) => iso(secret.expires))}::timestamptz[])
          as g (key_id, secret_id, org, project, owner, contact, made, ends)
      ), made_keys as (
        insert into keys (id, organization_id, project_id, management, management_projects, kind, environment, name, name_key, purpose,
          owner, contact, scopes, allowed_ips, metadata, state, legacy, first_end_at, last_end_at, created_at, created_by, last_action,
          last_actor, last_action_at, search, primary_made_at)
        select key_id, org, project, false, null, 'secret', 'live', 'Key ' || right(key_id, 6), 'key ' || right(key_id, 6), null, owner,
          contact, '{}', '{}', '{}', 'active', false, ends, ends, made, actor, 'key.created', actor, made, '', made
        from given, (select '{"type": "root_key", "id": null, "name": "Root key"}'::jsonb as actor) as by
      ), made_activity as (
        insert into key_activity (key_id, organization_id, project_id, management, state, last_used_at)
        select key_id, org, project, false, 'active', '-infinity' from given
      )
      insert into secrets (id, key_id, organization_id, slot, digest, hint, created_at, expires_at)
      select secret_id, key_id, org, 'primary', sha256(convert_to(secret_id, 'UTF8')), 'kt_live_', made, ends from given`.execute(
      reader(),
    )
    naive.keys.push(...fresh.map(({ key }) => key))
  }

  async function note(secrets: readonly NaiveSecret[], how: 'used' | 'refused'): Promise<void> {
    if (secrets.length === 0) return
    const now = new Date(clock.time).toISOString()
    for (const one of secrets) one[how === 'used' ? 'lastUsed' : 'lastRefused'] = clock.time
    const [used, refused] = how === 'used' ? [now, '-infinity'] : ['-infinity', now]
    await sql`insert into secret_activity (secret_id, last_used_at, last_refused_at, last_refused_code, addresses)
      select id, ${used}::timestamptz, ${refused}::timestamptz, 'EXPIRED', '[]' from unnest(${secrets.map(({ id }) => id)}::text[]) as u (id)
      on conflict (secret_id) do update set last_used_at = greatest(secret_activity.last_used_at, excluded.last_used_at),
        last_refused_at = greatest(secret_activity.last_refused_at, excluded.last_refused_at)`.execute(reader())
  }

  const isLive = (one: NaiveSecret) => naiveEnd(one) > clock.time
  const living = (key: NaiveKey) => key.secrets.filter(isLive)

  /** What people do on a day. */
  async function act(): Promise<void> {
    const call = callFor(below(2))
    for (let each = 0; each < 5; each++) {
      const key = pick(naive.keys)
      const [only, ...others] = living(key)
      if (key.revoked || !only || others.length > 0 || only.expires === Number.POSITIVE_INFINITY) continue
      const choice = draw()
      if (choice < 0.3) {
        const expires = only.expires + Math.floor((1 + draw() * 100) * day)
        // Of one whose successor was revoked the end of the overlap would move first; there is none here.
        if (only.retires !== null) continue
        await extendKey(call, key.id, { expires_at: new Date(expires).toISOString() })
        only.expires = expires
      } else if (choice < 0.7) {
        const overlap = chance(0.3) ? 0 : Math.floor(3600 + draw() * 20 * 86_400)
        const { view, issued } = await rotateKey(call, key.id, { overlap, expires_in: 86_400 * (31 + below(200)) })
        const record = (id: string) => view.secrets.find((one) => one.id === id)
        const made = record(issued?.secretId ?? '')
        const old = record(only.id)
        if (!made || !old) throw new Error('a rotation left no secrets')
        key.secrets.push(newSecret(made.id, key, made.createdAt, made.expiresAt))
        only.retires = old.retiresAt
        only.overlapStart = old.overlapStartedAt
        only.ended = old.endedAt
      } else if (choice < 0.8) {
        await revokeKey(call, key.id, null)
        key.revoked = true
        for (const one of key.secrets) if (isLive(one)) one.ended = clock.time
      } else {
        const at = naiveEnd(only)
        await acknowledgeReminders(call, key.org.id, only.id, at, { type: 'system', id: null, name: 'Test' })
        naive.acknowledge(only, clock.time)
      }
    }
    const all = naive.keys.filter((key) => !key.revoked).flatMap((key) => key.secrets)
    const retiring = all.filter((one) => one.retires !== null && isLive(one) && chance(0.6))
    const some = Array.from({ length: keyCount / 60 }, () => pick(all))
    await note([...new Set([...retiring, ...some.filter(isLive)])], 'used')
    await note([...new Set(some.filter((one) => !isLive(one) && chance(0.1)))], 'refused')
  }

  /** A node's minute. It may be killed before or after any commit; then another one begins anew. */
  async function runNode(place: number, deadly: boolean): Promise<void> {
    const sound = groundFor(place)
    let left = deadly ? 1 + below(6) : Number.POSITIVE_INFINITY
    const ground: Ground = {
      ...sound,
      change: async (work) => {
        const [before, after] = [left === 1 && chance(0.5), left === 1]
        left--
        const result = await sound.change(async (tx) => {
          const done = await work(tx)
          if (before) throw new Killed()
          return done
        })
        if (after) throw new Killed()
        return result
      },
    }
    try {
      await planReminders(ground)
      await alertCallsAfterEnd(ground)
      await sendDigests(ground, { masterKey, publicUrl: 'https://keys.example.com' })
    } catch (error) {
      if (!(error instanceof Killed)) throw error
      await reopen(place)
      await runNode(place, false)
    }
  }

  /** @param dying it dies after the server has taken a mail, and before it can say so */
  async function send(place: number, dying: boolean): Promise<void> {
    const ground = groundFor(place)
    const real = openSmtpMailer(mailbox.url, 'keys@example.com', 1_000)
    let taken = 0
    const mailer = {
      send: async (mail: OutgoingMail) => {
        await real.send(mail)
        taken++
        await new Promise(() => {})
      },
    }
    const follower = {
      stillHolds: (mail: Parameters<typeof mailStillHolds>[1]) => mailStillHolds(ground, mail),
      settled: settleReminders,
    }
    const sender = new MailSender({ ground, mailer: dying ? mailer : real, follower })
    if (!dying) return sender.sendDue()
    // All that it has in hand is with the server, and it is never heard of again; or the server took none of it.
    let isOver = false
    const sending = sender.sendDue().then(() => {
      isOver = true
    })
    await vi.waitFor(
      async () => {
        if (!isOver) expect([taken > 0, await countLeased()]).toEqual([true, taken])
      },
      { timeout: 20_000, interval: 10 },
    )
    if (isOver) await sending
  }

  async function countLeased(): Promise<number> {
    const { rows } = await sql<{ count: number }>`
      select count(*) as count from mails where state = 'queued' and leased_until > ${new Date(clock.time).toISOString()}::timestamptz
    `.execute(reader())
    return Number(rows[0]?.count)
  }

  it('every reminder that the rules demand arrives once, whatever breaks', async () => {
    await makeKeys(Math.floor(keyCount * 0.6), 200 * day)
    const perStep = Math.ceil((keyCount * 0.4) / 60)
    const pending: NaiveReminder[][] = []
    let steps = 0
    for (const end = begin + 365 * day; clock.time < end; steps++) {
      clock.time += Math.floor(chance(0.02) ? (5 + draw() * 10) * day : (12 + draw() * 190) * hour)
      if (naive.keys.length < keyCount) await makeKeys(perStep, hour)
      await act()
      const manner = pick<Manner>([
        'take',
        'take',
        'take',
        'take',
        451,
        'drop',
        'take and drop',
        steps % 10 === 0 ? 'stall' : 'take',
      ])
      const isBad = (recipient: string) => manner !== 'take' && steps % 2 === 0 && recipient.length % 3 !== 0
      mailbox.behave((recipient) => (isBad(recipient) ? manner : 'take'))
      const [one, both] = [below(2), chance(0.4)]
      await Promise.all([runNode(one, chance(0.1)), ...(both ? [runNode(1 - one, false)] : [])])
      if (both) await runNode(one, false)
      naive.plan(clock.time)
      const fresh = naive.digests(clock.time)
      const dying = steps % 20 === 7
      await send(one, dying)
      if (dying) {
        // Whatever it had in hand is somebody else's after the lease.
        clock.time += 6 * minute
        await send(1 - one, false)
      } else if (both) await send(1 - one, false)
      for (const mail of pending.splice(0)) {
        const holds = mail.some((reminder) => naive.holds(reminder, clock.time))
        if (!holds) for (const reminder of mail) reminder.state = 'obsolete'
        else if (isBad(mail[0]?.recipient ?? '')) pending.push(mail)
        else for (const reminder of mail) reminder.state = 'sent'
      }
      for (const mail of fresh)
        if (isBad(mail[0]?.recipient ?? '')) pending.push(mail)
        else for (const reminder of mail) reminder.state = 'sent'
      if (chance(0.1)) await reopen(below(2))
      if (chance(0.08)) await tryBack()
    }
    expect(steps).toBeGreaterThan(60)
    await compare()
  }, 240_000)

  /** The clock of the database is set back for a while. */
  async function tryBack(): Promise<void> {
    const [now, mails] = [clock.time, mailbox.mails.length]
    const count = async () =>
      (await sql<{ count: number }>`select count(*) as count from reminders`.execute(reader())).rows[0]
    const before = await count()
    clock.time -= Math.floor((1 + draw() * 40) * day)
    await runNode(below(2), false)
    await send(below(2), false)
    expect([await count(), mailbox.mails.length]).toEqual([before, mails])
    clock.time = now
  }

  async function compare(): Promise<void> {
    const { rows } = await sql<{
      mark: string
      state: string
      mail: string | null
      urgent: boolean
      sent: number | null
    }>`
      select concat_ws(' ', subject_id, reason, (extract(epoch from ends_at) * 1000)::bigint, threshold_seconds, recipient) as mark,
        state, mail_id as mail, urgent from reminders`.execute(reader())
    const found = new Map(rows.map(({ mark, state }) => [mark, state]))
    expect(found.size).toBe(rows.length)
    const wanted = new Map<string, string>(naive.reminders.map(({ mark, state }) => [mark, state]))
    // Where one node planned while another was sending, the one that was told before went by itself.
    const superseded = new Set(naive.reminders.filter((one) => one.superseded).map(({ mark }) => mark))
    const wrong = [...new Set([...wanted.keys(), ...found.keys()])].filter(
      (mark) => wanted.get(mark) !== found.get(mark) && !(superseded.has(mark) && found.get(mark) === 'sent'),
    )
    expect(wrong.map((mark) => `${mark}: ${found.get(mark)}, not ${wanted.get(mark)}`).slice(0, 10)).toEqual([])
    expect(wanted.size).toBeGreaterThan(keyCount * 1.5)

    // Each that was sent is in one mail, which the server has taken, and repeats of it have its Message-ID.
    const { rows: mails } = await sql<{
      id: string
      message_id: string
      state: string
      recipient: string
      keys: string[]
    }>`
      select m.id, m.message_id, m.state, m.recipient, array_agg(r.key_id) as keys
      from mails m join reminders r on r.mail_id = m.id group by m.id`.execute(reader())
    const taken = Map.groupBy(mailbox.mails, ({ email }) => email.messageId ?? '')
    for (const { message_id, state, recipient, keys } of mails) {
      const copies = taken.get(message_id) ?? []
      if (state === 'sent') expect(copies.length).toBeGreaterThan(0)
      for (const { recipients, email } of copies) {
        expect(recipients).toEqual([recipient])
        if (keys.length <= 50) for (const key of keys) expect(email.text).toContain(key)
      }
    }
    expect(new Set(mails.map((one) => one.message_id)).size).toBe(mails.length)
    expect([...taken.keys()].filter((id) => !mails.some((one) => one.message_id === id))).toEqual([])

    const { rows: events } = await sql<{ event: string }>`
      select action || ' ' || (body::jsonb #>> '{after,secret}') || ' ' || (body::jsonb #>> '{after,threshold}') as event
      from audit_events where action in ('key.expiring', 'key.expired', 'key.used_after_end')`.execute(reader())
    expect(events.map(({ event }) => event).toSorted()).toEqual(naive.events.toSorted())
  }
})
