import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { type PostgresServer, startPostgres } from '../packages/server/test/postgres/postgres-server.ts'
import { loadCore, type Measured, pin, startServer } from './processes.ts'
import { seedKeys, writeValues } from './verify-seed.ts'

const main = new URL('../packages/server/src/main/main.ts', import.meta.url).pathname

/** A database with keys, and nodes of the real server on it. */
export interface Setup {
  readonly postgres: PostgresServer
  readonly client: pg.Client
  readonly rootKey: string
  /** A management key that may verify and nothing else. */
  readonly asker: string
  readonly values: readonly string[]
  /** All values, one in each line. */
  readonly valuesFile: string
  readonly directory: string
  readonly projectId: string
  readonly settingsOfNodes: Record<string, string>
  startNode(core: number | null, environment?: Record<string, string>, flags?: readonly string[]): Promise<Measured>
  stop(): Promise<void>
}

/** As PostgreSQL advises for a small server; everything else as it comes. */
const settings = { shared_buffers: '1GB', effective_cache_size: '2GB', max_wal_size: '4GB' }

/**
 * @param pinned PostgreSQL shares the core of the load
 * @param more settings of PostgreSQL
 */
export async function setUp(keyCount: number, pinned: boolean, more: Record<string, string> = {}): Promise<Setup> {
  const directory = await mkdtemp(path.join(tmpdir(), 'keyturn-bench-'))
  const postgres = await startPostgres({ version: 15, storage: 'disk', settings: { ...settings, ...more } })
  const client = new pg.Client(postgres.url)
  const started: Measured[] = []
  const [rootKey, masterKey] = [randomBytes(32).toString('hex'), randomBytes(32).toString('hex')]
  const stop = async () => {
    await Promise.all(started.map((node) => node.stop()))
    await client.end()
    await postgres.stop()
    await rm(directory, { recursive: true })
  }
  const settingsOfNodes = {
    KEYTURN_DATA_DIR: path.join(directory, 'data'),
    KEYTURN_LOG_LEVEL: 'warn',
    KEYTURN_MASTER_KEY: masterKey,
    KEYTURN_ROOT_KEY: rootKey,
    DATABASE_URL: postgres.url,
  }
  const startNode: Setup['startNode'] = async (core, environment = {}, flags = []) => {
    const settingsOf = (port: number) => ({ ...settingsOfNodes, KEYTURN_PORT: String(port), ...environment })
    const node = await startServer(main, settingsOf, core, flags)
    started.push(node)
    return node
  }
  try {
    await client.connect()
    const first = await startNode(null)
    const post = (route: string, body: object) => call(first, rootKey, route, body)
    const { id: projectId, organization_id: organizationId } = await post('/v1/organizations/default/projects', {
      name: 'Bench',
    })
    const { secret } = await post('/v1/organizations/default/management-keys', { name: 'Gateway', scopes: ['verify'] })
    await first.stop()
    const startedAt = performance.now()
    const values = await seedKeys(client, { organizationId, projectId }, keyCount)
    console.log(`${values.length} keys made in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`)
    const valuesFile = path.join(directory, 'values')
    await writeValues(valuesFile, values)
    if (pinned) await pin(postgres.pid, loadCore)
    return {
      postgres,
      client,
      rootKey,
      asker: secret.value,
      values,
      valuesFile,
      directory,
      projectId,
      settingsOfNodes,
      startNode,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

export async function call(node: Measured, bearer: string, route: string, body: object): Promise<any> {
  return callWith(node, bearer, route, JSON.stringify(body))
}

/** As `call`, with a body that is JSON already. */
export async function callWith(node: Measured, bearer: string, route: string, body: string): Promise<any> {
  const response = await fetch(`${node.url}${route}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    body,
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${route}: ${response.status} ${text}`)
  return JSON.parse(text)
}
