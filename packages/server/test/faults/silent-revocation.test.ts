import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { revokeAndWait, startNodes, VerifyLoad } from '../support/nodes.ts'

const statements = {
  'with the row of a key locked': ['select from keys where id = $1 for update'],
  'with all that a revocation has written, up to its COMMIT': [
    `update keys set state = 'revoked' where id = $1`,
    `update secrets set ended_at = now(), ended_by = 'revoke' where key_id = $1`,
    `update key_activity set state = 'revoked' where key_id = $1`,
    `insert into outbox (chain, body, changed_kind, changed_id) select organization_id, '{}', 'key', id from keys where id = $1`,
  ],
}

describe.concurrent.each(Object.entries(statements))(
  'a client that falls silent inside its transaction %s',
  (_name, texts) => {
    test('stops nobody else’s revocation', async ({ onTestFinished }) => {
      const running = await startNodes({ count: 2, maxStaleness: 30 })
      onTestFinished(() => running.stop())
      const [first] = running.nodes
      if (!first) throw new Error('a node is needed')
      const keys = []
      while (keys.length < 12) keys.push(await running.createKey())
      // The last one: what goes through keys in order has locked all others when it comes to this one.
      const held = keys.at(-1)
      const others = keys.slice(0, -1)
      if (!held) throw new Error('a key is needed')
      // Of all of them, so that the job that writes uses meets the locked rows too.
      const load = new VerifyLoad(
        running.nodes,
        keys.map(({ secret }) => secret.value),
        2,
      )
      onTestFinished(() => load.stop())

      const silent = new pg.Client({ connectionString: running.databaseUrl })
      await silent.connect()
      onTestFinished(() => silent.end().catch(() => {}))
      await silent.query('begin')
      for (const text of texts) await silent.query(text, [held.key.id])

      const begunAt = performance.now()
      const took: number[] = []
      // For longer than it takes until uses are written.
      for (const [index, { key, secret }] of others.entries()) {
        while (performance.now() - begunAt < 600 * index) await new Promise((resolve) => setTimeout(resolve, 20))
        const node = running.nodes[index % 2] ?? first
        const { status, propagation, tookMs, at } = await revokeAndWait(node, key.id)
        expect({ status, complete: propagation?.complete }).toEqual({ status: 200, complete: true })
        took.push(tookMs)
        for (const each of running.nodes) expect(await each.verdict(secret.value)).toBe('REVOKED')
        expect(load.codesSince(at, secret.value)).not.toContain('VALID')
      }
      // Nobody has waited for a lock until the server gave up, which is after 5 s.
      expect(Math.max(...took)).toBeLessThan(4_000)

      const own = await revokeAndWait(first, held.key.id)
      expect(own.status).toBe(503)
      expect(own.tookMs).toBeLessThan(8_000)
      await silent.query('rollback')
      expect((await revokeAndWait(first, held.key.id)).propagation.complete).toBe(true)
      expect(await first.verdict(held.secret.value)).toBe('REVOKED')
    })
  },
)
