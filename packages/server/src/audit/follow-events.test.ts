import { randomBytes } from 'node:crypto'
import { type AuditEvent, auditActions } from '@keyturn/contract'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../test/support/engines.ts'
import { type Keyturn, openKeyturn } from '../../test/support/keyturn.ts'
import type { Tx } from '../storage/database.ts'
import { up } from '../storage/migrations/0018-followers.ts'
import { followEvents, type HandleEvents } from './follow-events.ts'
import { recordChange } from './record-change.ts'

describe.each(engines)('following the trail, on $name', (engine) => {
  let keyturn: Keyturn
  let follower: string
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())

  /** An organization whose trail has what its making left and as many events more. */
  async function createTrail(events: number): Promise<string> {
    const { id } = await keyturn.createOrganization()
    await write(id, events)
    return id
  }
  const write = (id: string, events: number) =>
    keyturn.rootCall.change(async (tx) => {
      for (let number = 0; number < events; number++) await writeOne(tx, id)
    })
  const writeOne = (tx: Tx, id: string) =>
    recordChange(tx, keyturn.rootCall, keyturn.clock.now(), {
      action: 'keys.exported',
      organizationId: id,
      projectId: null,
      target: { type: 'organization', id, name: 'Trail' },
      before: null,
      after: null,
      affects: null,
    })
  /** What `id` has on record. */
  async function sequencesOf(id: string): Promise<number[]> {
    const { rows } = await sql<{
      sequence: number
    }>`select sequence from audit_events where chain = ${id} order by sequence`.execute(keyturn.database.reader)
    return rows.map(({ sequence }) => sequence)
  }
  const newFollower = () => `test-${randomBytes(6).toString('hex')}`
  const collect = (into: Map<string, AuditEvent[]>): HandleEvents => {
    return async (_, id, events) => void into.set(id, [...(into.get(id) ?? []), ...events])
  }
  const seenIn = (told: Map<string, AuditEvent[]>, id: string) => (told.get(id) ?? []).map(({ sequence }) => sequence)

  it('hands out each event once and in order, from the first one of a new organization on', async () => {
    follower = newFollower()
    const [long, short] = [await createTrail(1_203), await createTrail(1)]
    const told = new Map<string, AuditEvent[]>()
    const batches: string[] = []
    const handled = await followEvents(keyturn.ground, follower, auditActions, async (tx, id, events) => {
      expect(events.length).toBeLessThanOrEqual(500)
      batches.push(id)
      await collect(told)(tx, id, events)
    })
    for (const id of [long, short]) expect(seenIn(told, id)).toEqual(await sequencesOf(id))
    expect(handled).toBe([...told.values()].flat().length)
    expect(told.get(long)?.at(0)).toMatchObject({ action: 'organization.created', organization_id: long })
    // A long trail keeps nobody waiting.
    expect(batches.lastIndexOf(short)).toBeLessThan(batches.lastIndexOf(long))
    expect(
      await followEvents(keyturn.ground, follower, auditActions, () => Promise.reject(new Error('told twice'))),
    ).toBe(0)
    await write(short, 2)
    expect(await followEvents(keyturn.ground, follower, auditActions, collect(told))).toBe(2)
    expect(seenIn(told, short)).toEqual(await sequencesOf(short))
  })

  it('hands out those of its actions alone, and does not go through the others again', async () => {
    follower = newFollower()
    const id = await createTrail(600)
    const other = await keyturn.createProject(id)
    await write(id, 600)
    const told = new Map<string, AuditEvent[]>()
    const actions = ['key.created', 'project.created'] as const
    await followEvents(keyturn.ground, follower, actions, collect(told))
    expect((told.get(id) ?? []).map(({ action, target }) => [action, target.id]).slice(-2)).toEqual([
      ['project.created', other.id],
      ['key.created', expect.any(String)],
    ])
    const all = new Map<string, AuditEvent[]>()
    await followEvents(keyturn.ground, follower, auditActions, collect(all))
    expect(all.get(id)).toBeUndefined()
  })

  it('does not know what is not committed, and what is rolled back never', async () => {
    follower = newFollower()
    const id = await createTrail(0)
    const told = new Map<string, AuditEvent[]>()
    const broken = keyturn.rootCall.change(async (tx) => {
      await writeOne(tx, id)
      throw new Error('rolled back')
    })
    await expect(broken).rejects.toThrow('rolled back')
    await followEvents(keyturn.ground, follower, auditActions, collect(told))
    expect(seenIn(told, id)).toEqual(await sequencesOf(id))
    expect(told.get(id)?.some(({ action }) => action === 'keys.exported')).toBe(false)
  })

  it('repeats a batch as a whole where its handler breaks, and what that had written is gone', async () => {
    follower = newFollower()
    const [broken, sound] = [await createTrail(3), await createTrail(1)]
    const told = new Map<string, AuditEvent[]>()
    await sql`create table written (id text)`.execute(keyturn.database.reader)
    const handle =
      (breaks: boolean): HandleEvents =>
      async (tx, id, events) => {
        for (const event of events) await sql`insert into written values (${`${id} ${event.sequence}`})`.execute(tx)
        if (breaks && id === broken) throw new Error('broken in the midst')
        await collect(told)(tx, id, events)
      }
    await expect(followEvents(keyturn.ground, follower, auditActions, handle(true))).rejects.toThrow(
      'broken in the midst',
    )
    expect(told.has(broken)).toBe(false)
    // One organization's trouble is not another's.
    expect(seenIn(told, sound)).toEqual(await sequencesOf(sound))
    await followEvents(keyturn.ground, follower, auditActions, handle(false))
    expect(seenIn(told, broken)).toEqual(await sequencesOf(broken))
    const { rows } = await sql<{
      count: number
    }>`select count(*) as count from written where id like ${`${broken}%`}`.execute(keyturn.database.reader)
    expect(rows[0]?.count).toBe((await sequencesOf(broken)).length)
    await sql`drop table written`.execute(keyturn.database.reader)
  })

  it('happens once, however many nodes do it at the same moment while others write', async () => {
    follower = newFollower()
    const ids = [await createTrail(700), await createTrail(40), await createTrail(0)]
    const told = new Map<string, AuditEvent[]>()
    const nodes = Array.from({ length: 6 }, () => followEvents(keyturn.ground, follower, auditActions, collect(told)))
    const writers = ids.map((id) => write(id, 30))
    await Promise.all([...nodes, ...writers])
    await followEvents(keyturn.ground, follower, auditActions, collect(told))
    for (const id of ids) expect(seenIn(told, id)).toEqual(await sequencesOf(id))
  })

  it('goes on where retention has cut away what it had not seen', async () => {
    follower = newFollower()
    const id = await createTrail(20)
    const cut = (through: number) =>
      sql`delete from audit_events where chain = ${id} and sequence <= ${through}`.execute(keyturn.database.reader)
    const told = new Map<string, AuditEvent[]>()
    await cut(10)
    await followEvents(keyturn.ground, follower, auditActions, collect(told))
    expect(seenIn(told, id)).toEqual(await sequencesOf(id))
    await write(id, 3)
    await cut(1_000)
    expect(await followEvents(keyturn.ground, follower, auditActions, collect(told))).toBe(0)
    await write(id, 1)
    expect(await followEvents(keyturn.ground, follower, auditActions, collect(told))).toBe(1)
  })

  it('leaves what a newer version wrote to a node that knows it', async () => {
    follower = newFollower()
    const id = await createTrail(0)
    const told = new Map<string, AuditEvent[]>()
    await followEvents(keyturn.ground, follower, auditActions, collect(told))
    const known = seenIn(told, id).length
    await keyturn.rootCall.change(async (tx) => {
      await writeOne(tx, id)
      const body = '{"at":"2030-01-01T00:00:00.000Z","action":"key.sung_to","actor":{"type":"system"}}'
      await sql`insert into outbox (chain, body) values (${id}, ${body})`.execute(tx)
      await writeOne(tx, id)
    })
    expect(await followEvents(keyturn.ground, follower, auditActions, collect(told))).toBe(1)
    expect(await followEvents(keyturn.ground, follower, auditActions, collect(told))).toBe(0)
    expect(seenIn(told, id)).toHaveLength(known + 1)
    await sql`delete from audit_events where chain = ${id} and action = 'key.sung_to'`.execute(keyturn.database.reader)
    await followEvents(keyturn.ground, follower, auditActions, collect(told))
    expect(seenIn(told, id)).toEqual(await sequencesOf(id))
  })
})

describe.each(engines)('an installation from before there were followers, on $name', (engine) => {
  it('announces nothing of its history, and everything from then on', async () => {
    const keyturn = await openKeyturn(engine)
    try {
      const old = await keyturn.createOrganization()
      await sql`drop table event_followers`.execute(keyturn.database.reader)
      await up(keyturn.database.reader as never)
      const fresh = await keyturn.createOrganization()
      const told: string[] = []
      const handle: HandleEvents = async (_, id, events) =>
        void told.push(...events.map(({ action }) => `${id} ${action}`))
      await followEvents(keyturn.ground, 'test', auditActions, handle)
      expect(told.filter((one) => one.startsWith(old.id))).toEqual([])
      expect(told).toContain(`${fresh.id} organization.created`)
      await keyturn.createProject(old.id)
      await followEvents(keyturn.ground, 'test', auditActions, handle)
      expect(told.filter((one) => one.startsWith(old.id))).toEqual([
        `${old.id} project.created`,
        `${old.id} key.created`,
      ])
    } finally {
      await keyturn.stop()
    }
  })
})
