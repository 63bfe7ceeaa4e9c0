import { hash } from 'node:crypto'
import { createServer } from 'node:http'
import pg from 'pg'

/** What a cold verdict is measured by: node:http and one prepared query by digest, with nothing around it. */
const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'] ?? '', max: 10 })
const headers: string[] = JSON.parse(process.env['ANSWER_HEADERS'] ?? '[]')
const body = process.env['ANSWER_BODY'] ?? ''
const text = `select s.id, s.expires_at, k.id as key_id, k.name, k.owner, k.scopes, k.metadata, k.state
  from secrets s join keys k on k.id = s.key_id where s.digest = $1`

createServer({ keepAliveTimeout: 75_000 }, (request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    if (chunks.length === 0) return void response.end()
    const { key } = JSON.parse(Buffer.concat(chunks).toString()) as { key: string }
    void pool.query({ name: 'by digest', text, values: [hash('sha256', key, 'buffer')] }).then(() => {
      response.writeHead(200, headers)
      response.end(body, 'latin1')
    })
  })
}).listen(Number(process.env['PORT']), '127.0.0.1')
