// @ts-nocheck -- its packages are installed on demand
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { apiKey } from '@better-auth/api-key'
import { betterAuth } from 'better-auth'
import { memoryAdapter } from 'better-auth/adapters/memory'
import { getMigrations } from 'better-auth/db/migration'
import pg from 'pg'

// better-auth's API-key plugin behind node:http, as quick as its options make it: no log, no rate limit, and in memory its secondary
// storage in a Map instead of its memory adapter, which looks through all rows. BASE_KEYS: a file of values that it is to know.
const inMemory = process.env.STORAGE === 'memory'
const kept = new Map()
const secondaryStorage = {
  get: (key) => kept.get(key) ?? null,
  set: (key, value) => void kept.set(key, value),
  delete: (key) => void kept.delete(key),
}
const pool = inMemory ? null : new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 })
const auth = betterAuth({
  baseURL: 'http://127.0.0.1',
  secret: 'a secret for the bench alone, of more than 32 characters',
  logger: { disabled: true },
  telemetry: { enabled: false },
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  database: inMemory ? memoryAdapter({ user: [], session: [], account: [], verification: [], apikey: [] }) : pool,
  plugins: [
    apiKey({
      rateLimit: { enabled: false },
      ...(inMemory && { storage: 'secondary-storage', customStorage: secondaryStorage }),
    }),
  ],
})
if (pool) await (await getMigrations(auth.options)).runMigrations()

const digestOf = async (value) =>
  Buffer.from(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(value))).toString('base64url')

await seed(readFileSync(process.env.VALUES, 'utf8').trim().split('\n').slice(0, Number(process.env.COUNT)))

/** One key is made by the plugin; the others are copies of what it stored, under other values and each of its own user. */
async function seed(values) {
  const { user } = await auth.api.signUpEmail({
    body: { name: 'Bench', email: 'bench@northwind.example', password: 'a long enough password' },
  })
  const made = await auth.api.createApiKey({
    body: { name: 'Customer 1, nightly export', userId: user.id, expiresIn: 365 * 86_400, metadata: undefined },
  })
  if (pool) {
    const { rows } = await pool.query('select * from apikey where id = $1', [made.id])
    const [row] = rows
    const columns = Object.keys(row).filter((name) => name !== 'id' && name !== 'key')
    const list = columns.map((name) => `"${name}"`).join(', ')
    await pool.query(
      `insert into apikey (id, key, ${list})
       select 'copy' || n, digest, ${columns.map((name) => `model."${name}"`).join(', ')}
       from unnest($1::text[]) with ordinality as given (digest, n), (select * from apikey where id = $2) as model`,
      [await Promise.all(values.map(digestOf)), made.id],
    )
    await pool.query('analyze')
    return
  }
  const model = JSON.parse(kept.get(`api-key:by-id:${made.id}`))
  for (const [number, value] of values.entries()) {
    const key = await digestOf(value)
    const text = JSON.stringify({ ...model, id: `copy${number}`, key, referenceId: `user${number}` })
    kept.set(`api-key:${key}`, text)
    kept.set(`api-key:by-id:copy${number}`, text)
  }
}

createServer((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', async () => {
    if (chunks.length === 0) return response.end()
    const { key } = JSON.parse(Buffer.concat(chunks).toString())
    const verdict = JSON.stringify(await auth.api.verifyApiKey({ body: { key } }))
    response.writeHead(200, ['content-type', 'application/json', 'content-length', String(Buffer.byteLength(verdict))])
    response.end(verdict)
  })
}).listen(Number(process.env.PORT), '127.0.0.1')
