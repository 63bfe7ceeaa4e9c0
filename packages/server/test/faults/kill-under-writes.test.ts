import { randomBytes, randomInt } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPostgresDatabase } from '../support/engines.ts'
import { openWorkplace, type Workplace } from '../support/processes.ts'
import { pause, send } from './calls.ts'

const rounds = 3
const writers = 6
const rootKey = `root-${randomBytes(24).toString('hex')}`
const day = 86_400

/** What is known of a key: as it is after everything that was answered, and as it would be after what was not. */
interface Written {
  readonly id: string
  name: string
  status: string
  expires_at: string
  /** Sent, and never answered. */
  pending: { readonly requestId: string; readonly result: Partial<Written> } | null
}

interface Journal {
  /** Every request that was answered with 2xx and changed something. */
  readonly answered: string[]
  readonly keys: Written[]
  /** Creates that were never answered. */
  readonly unanswered: { readonly requestId: string; readonly name: string }[]
}

let requests = 0

describe.each(['PGlite', 'PostgreSQL'] as const)('kill -9 under writes, on %s', (name) => {
  let workplace: Workplace
  let environment: Record<string, string>
  let drop = async () => {}
  beforeEach(async () => {
    workplace = openWorkplace({ migrated: name === 'PGlite' })
    environment = { KEYTURN_ROOT_KEY: rootKey, KEYTURN_LOG_LEVEL: 'error' }
    if (name === 'PGlite') return
    const database = await createPostgresDatabase()
    drop = database.drop
    Object.assign(environment, { DATABASE_URL: database.url, KEYTURN_MASTER_KEY: randomBytes(32).toString('hex') })
  })
  afterEach(async () => {
    await workplace.clear()
    await drop()
  })

  it('loses nothing that was answered with 2xx: every change is there after the next start, with its event, once', async () => {
    let server = await workplace.start(environment)
    const policy = { max_active_keys: 1_000_000 }
    await send(server.url, rootKey, 'PATCH', '/v1/organizations/default', { policy })
    const journal: Journal = { answered: [], keys: [], unanswered: [] }
    for (let round = 0; round < rounds; round++) {
      const enough = journal.answered.length + randomInt(5, 80)
      const writing = Promise.all(Array.from({ length: writers }, () => writeUntilItBreaks(server.url, journal)))
      while (journal.answered.length < enough) await Promise.race([pause(2), writing])
      await pause(randomInt(0, 10))
      server.process.kill('SIGKILL')
      await writing

      server = await workplace.start(environment)
      await compare(server.url, journal)
      await repeatUnanswered(server.url, journal)
    }
    expect(journal.answered.length).toBeGreaterThan(rounds * 5)
  }, 180_000)
})

/** One caller after another: each works on keys of its own, so that what it was told last is how they are. */
async function writeUntilItBreaks(url: string, journal: Journal): Promise<void> {
  const own: Written[] = []
  for (;;) {
    const requestId = `fault-${++requests}`
    const living = own.filter((key) => key.status !== 'revoked')
    const key = living[randomInt(0, living.length + 1)]
    try {
      if (!key) own.push(await create(url, journal, requestId))
      else await change(url, journal, requestId, key)
    } catch (error) {
      // The connection broke with the server: that is what this is about.
      if (error instanceof TypeError) return
      throw error
    }
  }
}

const createBody = (name: string) => ({ name, expires_in: 100 * day })

async function create(url: string, journal: Journal, requestId: string): Promise<Written> {
  const unanswered = { requestId, name: `Key of ${requestId}` }
  journal.unanswered.push(unanswered)
  const headers = { 'x-request-id': requestId, 'idempotency-key': requestId }
  const { status, body } = await send(
    url,
    rootKey,
    'POST',
    '/v1/projects/default/keys',
    createBody(unanswered.name),
    headers,
  )
  expect(status).toBe(201)
  journal.unanswered.splice(journal.unanswered.indexOf(unanswered), 1)
  journal.answered.push(requestId)
  const { id, name, expires_at } = body.key
  const key: Written = { id, name, status: 'active', expires_at, pending: null }
  journal.keys.push(key)
  return key
}

async function change(url: string, journal: Journal, requestId: string, key: Written): Promise<void> {
  const later = new Date(Date.parse(key.expires_at) + day * 1000).toISOString()
  const isDisabled = key.status === 'disabled'
  const changes: [string, string, object | undefined, Partial<Written>][] = [
    ['PATCH', '', { name: `Renamed by ${requestId}` }, { name: `Renamed by ${requestId}` }],
    ['POST', '/extend', { expires_at: later }, { expires_at: later }],
    ['POST', isDisabled ? '/enable' : '/disable', undefined, { status: isDisabled ? 'active' : 'disabled' }],
    ['POST', '/revoke', { reason: requestId }, { status: 'revoked' }],
  ]
  const [method, route, body, result] = changes[randomInt(0, changes.length)] ?? ['GET', '', undefined, {}]
  key.pending = { requestId, result }
  const answer = await send(url, rootKey, method, `/v1/keys/${key.id}${route}`, body, { 'x-request-id': requestId })
  expect(answer.status).toBe(200)
  Object.assign(key, result, { pending: null })
  journal.answered.push(requestId)
}

/** What was answered is there; of what was not, either all or nothing: the change and its event, or neither. */
async function compare(url: string, journal: Journal): Promise<void> {
  const events = await readEvents(url)
  const times = Map.groupBy(events, (requestId) => requestId)
  for (const requestId of journal.answered) expect([requestId, times.get(requestId)?.length]).toEqual([requestId, 1])
  for (const key of journal.keys) {
    const isDone = key.pending !== null && times.has(key.pending.requestId)
    if (isDone) Object.assign(key, key.pending?.result)
    key.pending = null
    const { body } = await send(url, rootKey, 'GET', `/v1/keys/${key.id}`)
    const expected = { id: key.id, name: key.name, status: key.status }
    expect(body).toMatchObject(key.status === 'revoked' ? expected : { ...expected, expires_at: key.expires_at })
  }
  const { body } = await send(url, rootKey, 'GET', '/v1/organizations/default/audit-events/verification')
  expect(body).toMatchObject({ intact: true, events: events.length, fault: null })
}

async function readEvents(url: string): Promise<string[]> {
  const requestIds: string[] = []
  let cursor = ''
  do {
    const { body } = await send(url, rootKey, 'GET', `/v1/organizations/default/audit-events?limit=200${cursor}`)
    requestIds.push(...body.data.map((event: { request_id: string | null }) => event.request_id ?? 'none'))
    cursor = body.next_cursor === null ? '' : `&cursor=${body.next_cursor}`
  } while (cursor !== '')
  return requestIds
}

/** A caller that never heard asks again with the same Idempotency-Key: there is one key then, not two. */
async function repeatUnanswered(url: string, journal: Journal): Promise<void> {
  for (const { requestId, name } of journal.unanswered.splice(0)) {
    const headers = { 'idempotency-key': requestId }
    const { status } = await send(url, rootKey, 'POST', '/v1/projects/default/keys', createBody(name), headers)
    expect(status).toBe(201)
    const { body } = await send(url, rootKey, 'GET', `/v1/projects/default/keys?q=${encodeURIComponent(name)}`)
    expect(body.data.filter((key: { name: string }) => key.name === name)).toHaveLength(1)
  }
}
