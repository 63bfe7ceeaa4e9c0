import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { sql } from 'kysely'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../test/support/engines.ts'
import { type Keyturn, openKeyturn } from '../../test/support/keyturn.ts'
import { formatTime } from '../kernel/instant.ts'
import { MasterKey } from '../kernel/master-key.ts'
import { readSettings } from '../main/settings.ts'
import { serve } from '../main/start.ts'
import { UseCollector } from './use-collector.ts'

const start = Date.UTC(2030, 0, 1)

describe.each(engines)('the last use of a key, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    await keyturn.request('PATCH', '/v1/organizations/default', { body: { policy: { max_active_keys: 1000 } } })
  })
  afterAll(() => keyturn.stop())

  /** As the key shows it, which is by its secrets; lists go by the key's own, which must be the same to the minute. */
  async function lastUse(id: string): Promise<string | null> {
    const { last_used_at } = (await keyturn.request('GET', `/v1/keys/${id}`)).body
    const own = await keyturn.database.reader
      .selectFrom('key_activity')
      .select('last_used_at')
      .where('key_id', '=', id)
      .executeTakeFirstOrThrow()
    if (last_used_at === null) expect(own.last_used_at).toBe(Number.NEGATIVE_INFINITY)
    else {
      const behind = Date.parse(last_used_at) - own.last_used_at
      expect(behind).toBeGreaterThanOrEqual(0)
      expect(behind).toBeLessThan(60_000)
    }
    return last_used_at
  }
  const run = (text: string) => sql.raw(text).execute(keyturn.database.reader)

  it('is when a request with it was last let pass, and a refused one is no use', async () => {
    const { key, secret } = await keyturn.createKey('default')
    const log = pino({ level: 'silent' })
    const settings = readSettings({ KEYTURN_PORT: '0' }, '/nowhere')
    const { address, stop } = await serve(
      keyturn.database,
      new MasterKey(randomBytes(32)),
      settings,
      keyturn.clock,
      log,
    )
    const verify = async (demand: object) => {
      const response = await fetch(`${address}/v1/verify`, {
        method: 'POST',
        headers: { authorization: `Bearer ${keyturn.rootKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ key: secret.value, ...demand }),
      })
      return (await response.json()) as { code: string }
    }
    const before = keyturn.clock.now()
    expect(await verify({})).toMatchObject({ code: 'VALID' })
    keyturn.clock.advance(3_600_000)
    expect(await verify({ scopes: ['admin'] })).toMatchObject({ code: 'INSUFFICIENT_SCOPE' })
    // Nothing is written in line with a verdict; stopping writes what was noted.
    expect(await lastUse(key.id)).toBeNull()
    await stop()
    const used = Date.parse((await lastUse(key.id)) ?? '')
    expect(Math.abs(used - before)).toBeLessThan(60_000)
    const { secrets } = (await keyturn.request('GET', `/v1/keys/${key.id}`)).body
    expect(secrets).toMatchObject([{ id: secret.id, last_used_at: formatTime(used) }])
  })

  it('is the latest that anybody has noted, in whatever order nodes write', async () => {
    const { key, secret } = await keyturn.createKey('default')
    const use = fc.record({ node: fc.nat(2), minute: fc.nat(1000), flush: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(use, { minLength: 1, maxLength: 12 }), async (uses) => {
        await sql`update key_activity set last_used_at = '-infinity' where key_id = ${key.id}`.execute(
          keyturn.database.reader,
        )
        const nodes = [0, 1, 2].map(() => new UseCollector(keyturn.database))
        for (const { node, minute, flush } of uses) {
          nodes[node]?.note(key.id, secret.id, 'VALID', start + minute * 60_000, null, null)
          if (flush) await nodes[node]?.flush()
        }
        await Promise.all(nodes.map((node) => node.flushAll()))
        const latest = Math.max(...uses.map(({ minute }) => start + minute * 60_000))
        const row = await keyturn.database.reader
          .selectFrom('key_activity')
          .select('last_used_at')
          .where('key_id', '=', key.id)
          .executeTakeFirst()
        expect(row?.last_used_at).toBe(latest)
      }),
      { numRuns: 15 },
    )
  })

  it('is not lost when a flush fails: the next one writes it, or what came later', async () => {
    const [one, other] = [await keyturn.createKey('default'), await keyturn.createKey('default')]
    const uses = new UseCollector(keyturn.database)
    uses.note(one.key.id, one.secret.id, 'VALID', start, null, null)
    uses.note(other.key.id, other.secret.id, 'VALID', start, null, null)
    await run(
      `create function refuse_use() returns trigger language plpgsql as 'begin raise exception ''no room''; end'`,
    )
    await run('create trigger refuse before update on secret_activity for each row execute function refuse_use()')
    await expect(uses.flush()).rejects.toThrow('no room')
    expect(await lastUse(one.key.id)).toBeNull()
    uses.note(other.key.id, other.secret.id, 'VALID', start + 60_000, null, null)
    await run('drop trigger refuse on secret_activity')
    await uses.flush()
    expect(await lastUse(one.key.id)).toBe(formatTime(start))
    expect(await lastUse(other.key.id)).toBe(formatTime(start + 60_000))
  })

  it('noted while a flush is under way is written by the next, and by none twice', async () => {
    const { key, secret } = await keyturn.createKey('default')
    const uses = new UseCollector(keyturn.database)
    uses.note(key.id, secret.id, 'VALID', start, null, null)
    const flushing = uses.flush()
    uses.note(key.id, secret.id, 'VALID', start + 1000, null, null)
    await flushing
    await Promise.all([uses.flush(), uses.flush(), uses.flush()])
    expect(await lastUse(key.id)).toBe(formatTime(start + 1000))
  })

  it('of many keys at once is written by many nodes at once, and none waits for another for ever', async () => {
    const keys = await Promise.all(Array.from({ length: 30 }, () => keyturn.createKey('default')))
    const nodes = Array.from({ length: 6 }, () => new UseCollector(keyturn.database))
    for (const [at, node] of nodes.entries()) {
      const inItsOrder = at % 2 === 0 ? keys : [...keys].reverse()
      for (const { key, secret } of inItsOrder) node.note(key.id, secret.id, 'VALID', start + at, null, null)
    }
    await Promise.all(nodes.map((node) => node.flushAll()))
    for (const { key } of keys) expect(await lastUse(key.id)).toBe(formatTime(start + 5))
  })

  it('of a key that is gone is written nowhere, and stops nothing', async () => {
    const { key, secret } = await keyturn.createKey('default')
    const uses = new UseCollector(keyturn.database)
    uses.note('key_gone', 'sec_gone', 'VALID', start, null, null)
    uses.note(key.id, secret.id, 'VALID', start, null, null)
    await uses.flush()
    expect(await lastUse(key.id)).toBe(formatTime(start))
  })
})
