import assert from 'node:assert/strict'
import pg from 'pg'
import { MasterKey } from '../packages/server/src/kernel/master-key.ts'
import { SecretValue } from '../packages/server/src/kernel/secret-value.ts'
import { countKeys, type KeyScope, listKeys } from '../packages/server/src/keys/key-list.ts'
import { searchLexemes } from '../packages/server/src/keys/search-words.ts'
import { readSettings } from '../packages/server/src/main/settings.ts'
import { groundOf } from '../packages/server/src/main/start.ts'
import { createOrganization } from '../packages/server/src/organizations/create-organization.ts'
import { createProject } from '../packages/server/src/organizations/create-project.ts'
import { rootCaller } from '../packages/server/src/people/authenticate.ts'
import type { Call } from '../packages/server/src/people/call.ts'
import { install } from '../packages/server/src/people/install.ts'
import { openPostgres } from '../packages/server/src/storage/database.ts'
import { instantText, parseTimestamptz } from '../packages/server/src/storage/driver-values.ts'
import { migrate } from '../packages/server/src/storage/migrate.ts'
import { startPostgres } from '../packages/server/test/postgres/postgres-server.ts'
import { type ListCase, listCases, naiveQuery, pageSize } from './list-cases.ts'
import { benchNow, type SeedPlace, seed } from './list-seed.ts'

const keyCount = 1_000_000
const smallProjects = 200
const repetitions = 20
const goalMs = 50

/** A quarter of a small server's memory, as PostgreSQL advises; everything that decides about plans is left as it comes. */
const serverSettings = { shared_buffers: '2GB', effective_cache_size: '4GB', max_wal_size: '4GB' }

/** Times every page that issue 2 promises, through the use case, and checks that each is the page that a plain sort gives. */
export async function benchList(): Promise<void> {
  const server = await startPostgres({ version: 15, storage: 'disk', settings: serverSettings })
  const clock = { wallTime: () => benchNow, monotonic: () => performance.now(), databaseTime: () => benchNow }
  const database = openPostgres(server.url, clock, () => {})
  const client = new pg.Client(server.url)
  try {
    await client.connect()
    await migrate(database)
    const call: Call = {
      ...groundOf(database, readSettings({}, '/nowhere')),
      caller: rootCaller,
      requestId: null,
      address: null,
    }
    const place = await makeProjects(call)
    await fill(client, place)
    await measureAll(client, call, place)
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

interface Line {
  readonly scope: string
  readonly name: string
  readonly page: number
  readonly p50: number
  readonly max: number
}

export async function measureAll(client: pg.Client, call: Call, place: SeedPlace): Promise<void> {
  const { rows } = await client.query<{ id: string; hint: string }>(
    `select key_id as id, hint from secrets where key_id in
       (select id from keys where project_id = $1 and state = 'active' and last_end_at > $2 order by id offset 1000 limit 1)`,
    [place.largeProjectId, new Date(benchNow)],
  )
  const [sample] = rows
  assert(sample)
  const scopes = [
    { name: 'project', column: 'project_id', id: place.largeProjectId },
    { name: 'organization', column: 'organization_id', id: place.organizationId },
  ]
  const lines: Line[] = []
  console.log(
    `${'scope'.padEnd(13)} ${'list'.padEnd(52)} ${'page'.padStart(6)} ${'p50 ms'.padStart(8)} ${'max ms'.padStart(8)}`,
  )
  for (const scope of scopes) {
    const keyScope = {
      organizationId: place.organizationId,
      projectId: scope.name === 'project' ? place.largeProjectId : null,
    }
    for (const one of listCases(sample)) {
      for (const page of await expectedPages(client, one, scope)) {
        const times = await measure(call, keyScope, one, page)
        const line = { scope: scope.name, name: `${one.group} ${one.name}`, page: page.number, ...times }
        lines.push(line)
        console.log(formatLine(line))
      }
    }
  }
  const worst = lines.toSorted((a, b) => b.max - a.max)[0]
  const slow = lines.filter((line) => line.max > goalMs).length
  console.log(`\n${lines.length} pages, ${slow} of them not always under ${goalMs} ms`)
  if (worst) console.log(`worst: ${formatLine(worst)}`)
}

function formatLine({ scope, name, page, p50, max }: Line): string {
  const mark = p50 > goalMs ? '  OVER' : max > goalMs ? '  over at times' : ''
  return `${scope.padEnd(13)} ${name.padEnd(52)} ${String(page).padStart(6)} ${p50.toFixed(1).padStart(8)} ${max.toFixed(1).padStart(8)}${mark}`
}

interface ExpectedPage {
  readonly number: number
  readonly cursor: string | undefined
  readonly ids: string[]
}

/** Page 1, and page 10,000 or the last one. */
async function expectedPages(
  client: pg.Client,
  one: ListCase,
  scope: { column: string; id: string },
): Promise<ExpectedPage[]> {
  const { rows } = await client.query<{ id: string; ended: boolean; place: string; n: number; deep_page: number }>(
    naiveQuery(one, scope),
  )
  const number = rows[0]?.deep_page ?? 1
  const before = (number - 1) * pageSize
  const idsAfter = (row: number) => rows.filter(({ n }) => n > row && n <= row + pageSize).map(({ id }) => id)
  const last = rows.find(({ n }) => n === before)
  const first = { number: 1, cursor: undefined, ids: idsAfter(0) }
  if (!last) return [first]
  // As `formatCursor` makes it; `parseCursor` refuses any other.
  const value = one.query.sort.endsWith('name') ? last.place : instantText(parseTimestamptz(last.place))
  const position = JSON.stringify([one.query.sort, last.ended, value, last.id])
  return [first, { number, cursor: Buffer.from(position).toString('base64url'), ids: idsAfter(before) }]
}

/** What an answer of the API does: the page with its secrets and policies, and the counts. */
async function measure(
  call: Call,
  scope: KeyScope,
  one: ListCase,
  page: ExpectedPage,
): Promise<{ p50: number; max: number }> {
  const times: number[] = []
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const startedAt = performance.now()
    const { views } = await listKeys(call, scope, { ...one.query, cursor: page.cursor })
    await countKeys(call, scope)
    times.push(performance.now() - startedAt)
    assert.deepEqual(
      views.map(({ key }) => key.id),
      page.ids,
      `${one.group} ${one.name}, page ${page.number} of the ${scope.projectId ? 'project' : 'organization'}`,
    )
  }
  times.sort((a, b) => a - b)
  return { p50: times[Math.floor(times.length / 2)] ?? 0, max: times.at(-1) ?? 0 }
}
