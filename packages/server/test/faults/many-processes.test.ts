import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import { createPostgresDatabase } from '../support/engines.ts'
import { openWorkplace, type Workplace } from '../support/processes.ts'
import { statusIn } from '../support/tokens.ts'
import { send, sendUntilDone } from './calls.ts'

const cleanUp: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const clean of cleanUp.splice(0).reverse()) await clean()
})

function newWorkplace(): Workplace {
  const workplace = openWorkplace()
  cleanUp.push(() => workplace.clear())
  return workplace
}
const rootKeyFile = ({ dataDir }: Workplace) => path.join(dataDir, 'root-key')
const readRootKey = (workplace: Workplace) => readFileSync(rootKeyFile(workplace), 'utf8').trim()

/** What the status list of a token says, as this process serves it. */
async function statusFrom(url: string, token: string): Promise<number> {
  const { status }: any = decodeJwt(token)
  const answer = await fetch(new URL(new URL(status.status_list.uri).pathname, url))
  return statusIn(decodeJwt(await answer.text()), status.status_list.idx)
}

describe('ten processes that start at once on an empty PostgreSQL', () => {
  it('all come up, make one installation with one root key, which works on each of them, and append at once to one chain of events', async () => {
    const { url: databaseUrl, drop } = await createPostgresDatabase({ empty: true })
    cleanUp.push(drop)
    const environment = { DATABASE_URL: databaseUrl, KEYTURN_MASTER_KEY: randomBytes(32).toString('hex') }
    const workplaces = Array.from({ length: 10 }, newWorkplace)
    const servers = await Promise.all(workplaces.map((workplace) => workplace.start(environment)))

    const [owner, another] = workplaces.filter((workplace) => existsSync(rootKeyFile(workplace)))
    if (!owner) throw new Error('no process has kept the root key')
    expect(another).toBeUndefined()
    expect(servers.filter(({ process }) => process.stdout.includes('made just now'))).toHaveLength(1)
    const rootKey = readRootKey(owner)
    const [first = { url: '' }] = servers
    const { body } = await send(first.url, rootKey, 'POST', '/v1/projects/default/keys', { name: 'Zapier' })
    for (const { url } of servers) {
      expect((await send(url, rootKey, 'GET', '/v1/organizations')).body.data).toMatchObject([{ slug: 'default' }])
      expect((await send(url, rootKey, 'POST', '/v1/verify', { key: body.secret.value })).body.code).toBe('VALID')
    }
    const made = await Promise.all(
      servers.flatMap(({ url }) =>
        ['Zapier', 'Slack', 'Backup'].map((name) =>
          sendUntilDone(url, rootKey, 'POST', '/v1/projects/default/keys', { name }),
        ),
      ),
    )
    expect(made.filter(({ status }) => status !== 201)).toEqual([])
    const chain = await send(first.url, rootKey, 'GET', '/v1/organizations/default/audit-events/verification')
    expect(chain.body).toMatchObject({ intact: true, fault: null })
    expect(chain.body.events).toBeGreaterThan(made.length)

    // The first token is wanted from all of them at once: one makes the key that signs, and any of them publishes it.
    const tokens = await Promise.all(
      servers.map(({ url }) =>
        sendUntilDone(url, rootKey, 'POST', '/v1/projects/default/keys', { name: 'Token', kind: 'jwt' }),
      ),
    )
    const kids = new Set(tokens.map(({ body: { secret } }) => decodeProtectedHeader(secret.value).kid))
    expect(kids.size).toBe(1)
    for (const { url } of servers) {
      const keys = createRemoteJWKSet(new URL(`${url}/.well-known/jwks.json`))
      for (const { body: made } of tokens) await jwtVerify(made.secret.value, keys, { typ: 'at+jwt' })
    }
    const [{ body: revoked } = { body: null }] = tokens
    await send(first.url, rootKey, 'POST', `/v1/keys/${revoked.key.id}/revoke`, {})
    for (const { url } of servers)
      await expect.poll(() => statusFrom(url, revoked.secret.value), { timeout: 20_000 }).toBe(1)

    const client = new pg.Client(databaseUrl)
    await client.connect()
    cleanUp.push(() => client.end())
    const count = async (of: string) =>
      Number((await client.query<{ count: string }>(`select count(*) from ${of}`)).rows[0]?.count)
    expect(await count('installation')).toBe(1)
    expect(await count('projects')).toBe(2)
    // The first, and none of the others twice.
    expect(await count('keys where not legacy and not management')).toBe(1 + made.length + tokens.length)
    expect(await count('signing_keys')).toBe(1)
    expect(await count(`audit_events where action = 'root_key.created'`)).toBe(1)
  }, 180_000)
})

describe('several processes that start at once on an empty data directory', () => {
  it('leave one that has it, and an installation that starts again; the others say so and end with code 2', async () => {
    const workplace = newWorkplace()
    const all = Array.from({ length: 4 }, () => workplace.run('main/main.ts'))
    const outcomes = await Promise.all(all.map((one) => one.ready().catch(() => null)))
    const [winner, another] = all.filter((_, at) => outcomes[at] !== null)
    expect([winner === undefined, another]).toEqual([false, undefined])
    for (const loser of all.filter((one) => one !== winner)) {
      const ended = await loser.ended()
      expect(ended).toMatchObject({ code: 2, stdout: '' })
      expect(ended.stderr).toMatch(/^KEYTURN_DATA_DIR \S+ is in use by another Keyturn process; .*\.\n$/)
    }
    winner?.kill('SIGTERM')
    expect(await winner?.ended()).toMatchObject({ code: 0 })
    const { url } = await workplace.start()
    expect((await send(url, readRootKey(workplace), 'GET', '/v1/organizations')).status).toBe(200)
  }, 120_000)
})
