import assert from 'node:assert/strict'
import pg from 'pg'
import { MasterKey } from '../packages/server/src/kernel/master-key.ts'
import { SecretValue } from '../packages/server/src/kernel/secret-value.ts'
import { searchLexemes } from '../packages/server/src/keys/search-words.ts'
import { readSettings } from '../packages/server/src/main/settings.ts'
import { groundOf } from '../packages/server/src/main/start.ts'
import { createOrganization } from '../packages/server/src/organizations/create-organization.ts'
import { createProject } from '../packages/server/src/organizations/create-project.ts'
import { rootCaller } from '../packages/server/src/people/authenticate.ts'
import type { Call } from '../packages/server/src/people/call.ts'
import { install } from '../packages/server/src/people/install.ts'
import { openPostgres } from '../packages/server/src/storage/database.ts'
import { migrate } from '../packages/server/src/storage/migrate.ts'
import { startPostgres } from '../packages/server/test/postgres/postgres-server.ts'
import { measureLists } from './list-measure.ts'
import { benchNow, type SeedPlace, seed } from './list-seed.ts'

const keyCount = 1_000_000
const smallProjects = 200

/**
 * A quarter of a small server's memory, as PostgreSQL advises; everything that decides about plans is left as it comes. What is
 * written at first is vacuumed and on the disk before the first page; nothing is written later.
 */
const serverSettings = { shared_buffers: '2GB', effective_cache_size: '4GB', max_wal_size: '4GB', autovacuum: 'off' }

/** Times every page that is promised, through the use case, and checks that each is the page that a plain sort gives. */
export async function benchList(): Promise<void> {
  const server = await startPostgres({ version: 15, storage: 'disk', settings: serverSettings })
  const clock = { wallTime: () => benchNow, monotonic: () => performance.now(), databaseTime: () => benchNow }
  const database = openPostgres(server.url, clock, () => {})
  const client = new pg.Client(server.url)
  try {
    await client.connect()
    await migrate(database)
    const call: Call = {
      ...groundOf(database, readSettings({}, '/nowhere'), new MasterKey(new Uint8Array(32))),
      caller: rootCaller,
      requestId: null,
      address: null,
    }
    const place = await makeProjects(call)
    await fill(client, place)
    await measureLists(client, call, place, server.pid)
  } finally {
    await client.end()
    await database.close()
    await server.stop()
  }
}

async function makeProjects(call: Call): Promise<SeedPlace> {
  const rootKey = { set: null, make: () => ({ value: new SecretValue('not used by anybody here'), keep: () => {} }) }
  await install(call, new MasterKey(new Uint8Array(32)), rootKey)
  const organization = await createOrganization(call, { name: 'Northwind' })
  const make = async (name: string) => (await createProject(call, organization, { name })).project.id
  const largeProjectId = await make('Large')
  const smallProjectIds: string[] = []
  for (let number = 1; number <= smallProjects; number++) smallProjectIds.push(await make(`Small ${number}`))
  return { organizationId: organization.id, largeProjectId, smallProjectIds }
}

async function fill(client: pg.Client, place: SeedPlace): Promise<void> {
  await seed(client, place, keyCount)
  await client.query('vacuum analyze')
  await client.query('checkpoint')
  await checkSearchWords(client)
  const { rows } = await client.query<{ name: string; megabytes: number }>(
    `select relname as name, pg_relation_size(oid) / 1000000 as megabytes from pg_class
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'i') and relname ~ '^(keys|key_activity)' order by relname`,
  )
  const { rows: facts } = await client.query<Facts>(factsQuery)
  const [fact] = facts
  console.log(`PostgreSQL ${fact?.version}, ${Object.entries(serverSettings)
    .map((pair) => pair.join(' '))
    .join(', ')}
${fact?.keys} keys, ${fact?.secrets} secrets, ${fact?.projects} projects
${rows.map(({ name, megabytes }) => `${name} ${megabytes} MB`).join(', ')}
`)
}

interface Facts {
  version: string
  keys: string
  secrets: string
  projects: string
}
const factsQuery = `select current_setting('server_version') as version, (select count(*) from keys) as keys,
  (select count(*) from secrets) as secrets, (select count(*) from projects where not management) as projects`

/** The seed makes its search words in SQL; here they are compared with those that the code makes. */
async function checkSearchWords(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{
    organization_id: string
    id: string
    name: string
    purpose: string | null
    owner: string | null
    hints: string[]
    words: string[]
  }>(
    `select organization_id, id, name, purpose, owner, tsvector_to_array(search) as words,
       (select array_agg(hint) from secrets where key_id = keys.id) as hints
     from keys tablesample system (0.1) where not legacy limit 500`,
  )
  for (const { organization_id, words, ...key } of rows)
    assert.deepEqual(new Set(words), new Set(searchLexemes(organization_id, key)))
}
