import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../test/support/engines.ts'
import { type Keyturn, openKeyturn } from '../../test/support/keyturn.ts'
import { MasterKey } from '../kernel/master-key.ts'
import { randomOctets } from '../kernel/random.ts'
import { SecretValue } from '../kernel/secret-value.ts'
import type { Ground } from './call.ts'
import { install, replaceRootKey } from './install.ts'

describe.each(engines)('the first start, on $name', (engine) => {
  const masterKey = new MasterKey(randomOctets(32))
  let ground: Ground
  let close: () => Promise<void>
  const made: { value: string; kept: boolean }[] = []
  const source = (failToKeep = false) => ({
    set: null,
    make: () => {
      const one = { value: `kt_root_${randomOctets(24).toString('hex')}`, kept: false }
      made.push(one)
      const keep = () => {
        if (failToKeep) throw new Error('the disk is full')
        one.kept = true
      }
      return { value: new SecretValue(one.value), keep }
    },
  })
  const count = async (table: string) =>
    (await sql<{ count: number }>`select count(*) as count from ${sql.table(table)}`.execute(ground.reader)).rows[0]
      ?.count

  beforeAll(async () => {
    const database = await engine.open()
    close = () => database.close()
    ground = {
      reader: database.reader,
      change: (work) => database.transaction(work),
      snapshot: (read) => database.snapshot(read),
      now: (reader) => database.now(reader),
      keyPrefix: 'kt',
      tokens: { issuer: 'http://localhost:4500', sealKey: masterKey.tokenSealKey() },
    }
  })
  afterAll(() => close())

  it('that cannot keep its root key leaves nothing, and the next one is a first start again', async () => {
    await expect(install(ground, masterKey, source(true))).rejects.toThrow('the disk is full')
    for (const table of ['installation', 'organizations', 'audit_events']) expect(await count(table), table).toBe(0)
  })

  it('happens once, however many processes begin at the same moment, and makes one root key, which is kept', async () => {
    made.length = 0
    const results = await Promise.all(Array.from({ length: 8 }, () => install(ground, masterKey, source())))
    expect(results.sort()).toEqual([...Array.from({ length: 7 }, () => 'kept'), 'made'])
    expect(made).toEqual([{ value: expect.any(String), kept: true }])
    for (const [table, rows] of [
      ['installation', 1],
      ['organizations', 1],
      ['projects', 2],
      ['keys', 1],
    ] as const)
      expect(await count(table), table).toBe(rows)
  })

  it('is refused to a process with another master key, before it writes anything', async () => {
    const events = await count('audit_events')
    const refused = install(ground, new MasterKey(randomOctets(32)), source())
    await expect(refused).rejects.toThrow(/^KEYTURN_MASTER_KEY is not the one .*; .*\.$/)
    expect(await count('audit_events')).toBe(events)
  })

  it('keeps the root key that there is, and says so where another one is set', async () => {
    const states = async (set: string) => install(ground, masterKey, { ...source(), set: new SecretValue(set) })
    const value = made.at(-1)?.value ?? ''
    expect([await states(value), await states('another-root-key-of-32-characters')]).toEqual(['kept', 'differs'])
  })

  it('after the root key was lost makes another one, once', async () => {
    await sql`update installation set root_key_digest = null`.execute(ground.reader)
    const results = await Promise.all(Array.from({ length: 4 }, () => install(ground, masterKey, source())))
    expect(results.filter((result) => result === 'made')).toHaveLength(1)
    expect(await count('organizations')).toBe(1)
  })
})

describe.each(engines)('replacing the root key, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())

  it('ends the former one at once, and is on record', async () => {
    const [list, value] = ['/v1/organizations', 'r'.repeat(40)]
    expect((await keyturn.request('GET', list)).status).toBe(200)
    await replaceRootKey(keyturn.ground, { set: null, make: () => ({ value: new SecretValue(value), keep: () => {} }) })
    // It was replaced beside the server, not by it.
    await expect.poll(async () => (await keyturn.request('GET', list)).status, { timeout: 2_000 }).toBe(401)
    expect((await keyturn.request('GET', list)).body.code).toBe('invalid_token')
    expect((await keyturn.request('GET', list, { key: value })).status).toBe(200)
    const { body } = await keyturn.request('GET', '/v1/audit-events', { key: value })
    // That the former one was refused is on record, too.
    const [replaced] = body.data.filter(({ action }: { action: string }) => action !== 'call.refused')
    expect(replaced).toMatchObject({ action: 'root_key.replaced', actor: { type: 'system' } })
  })
})
