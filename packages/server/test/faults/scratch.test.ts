import pg from 'pg'
import { it } from 'vitest'
import { systemClock } from '../../src/kernel/clock.ts'
import { openPostgres } from '../../src/storage/database.ts'
import { createPostgresDatabase } from '../support/engines.ts'
import { openKeyturn } from '../support/keyturn.ts'
it('x', async () => {
  const { url, drop } = await createPostgresDatabase()
  const k = await openKeyturn({ name: 'PostgreSQL', open: async (c = systemClock) => openPostgres(url, c, () => {}) })
  const [a, b] = [await k.createKey('default'), await k.createKey('default')]
  const c = new pg.Client(url); await c.connect(); await c.query('begin'); await c.query('select from keys where id=$1 for update', [a.key.id])
  const waiting = Array.from({ length: 14 }, () => k.request('POST', `/v1/keys/${a.key.id}/disable`))
  await new Promise((r) => setTimeout(r, 500))
  const t = performance.now()
  const v = await k.request('POST', '/v1/verify', { body: { key: b.secret.value } })
  console.log('verify other', v.status, v.body.code, Math.round(performance.now() - t))
  const t2 = performance.now()
  const d = await k.request('POST', `/v1/keys/${b.key.id}/disable`)
  console.log('disable other', d.status, d.body.code, Math.round(performance.now() - t2))
  const all = await Promise.all(waiting); console.log(all.map((x) => x.status).join(), Math.round(performance.now() - t))
  await c.end(); await k.stop(); await drop()
})
