// @ts-nocheck -- its packages are installed on demand
import { createHash } from 'node:crypto'
import express from 'express'
import pg from 'pg'

// The look-up that products write for themselves: Express, `pg`, the digest of the key, one query, no cache, no note of its use.
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 })
const app = express()
app.disable('x-powered-by')
app.use(express.json())

app.get('/healthz', (_request, response) => response.json({ ok: true }))

app.post('/v1/verify', async (request, response) => {
  const digest = createHash('sha256').update(request.body.key).digest()
  const { rows } = await pool.query('select * from api_keys where digest = $1', [digest])
  const [key] = rows
  if (!key) return response.json({ valid: false, code: 'NOT_FOUND' })
  if (key.revoked_at) return response.json({ valid: false, code: 'REVOKED' })
  if (key.expires_at < new Date()) return response.json({ valid: false, code: 'EXPIRED' })
  response.json({
    valid: true,
    code: 'VALID',
    key: { id: key.id, name: key.name, owner: key.owner, scopes: key.scopes, metadata: key.metadata },
    expires_at: key.expires_at,
  })
})

app.listen(Number(process.env.PORT), '127.0.0.1')
