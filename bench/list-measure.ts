import assert from 'node:assert/strict'
import type pg from 'pg'
import { listAndCountKeys } from '../packages/server/src/keys/key-list.ts'
import type { Call } from '../packages/server/src/people/call.ts'
import { instantText } from '../packages/server/src/storage/driver-values.ts'
import { parseTimestamptz } from '../packages/server/src/storage/result-values.ts'
import { type ListCase, listCases, naiveQuery, pageSize, reachCases } from './list-cases.ts'
import { benchNow, type SeedPlace } from './list-seed.ts'
import { workedMs } from './work-time.ts'

const repetitions = 20
const goalMs = 50
/** On a slow or busy machine the last cases are left out, and the bench says so. */
const longestMs = 30 * 60_000

interface Scope {
  readonly name: string
  readonly call: Call
  readonly projectId: string | null
  /** The same in SQL, over `keys k`. */
  readonly condition: string
  readonly cases: readonly ListCase[]
}

interface Line {
  readonly text: string
  readonly p50: number
  readonly max: number
  readonly adverse: boolean
}

/** Prints a line for each page, and the worst one last. @throws AssertionError where a page is not what a plain sort gives */
export async function measureLists(client: pg.Client, call: Call, place: SeedPlace, postmaster: number): Promise<void> {
  await client.query(`set work_mem = '256MB'`)
  console.log(
    `${'whose'.padEnd(15)} ${'list'.padEnd(46)} ${'page'.padStart(6)} ${'p50 ms'.padStart(8)} ${'max ms'.padStart(8)} ${'work ms'.padStart(8)}`,
  )
  const lines: Line[] = []
  let leftOut = 0
  for (const scope of await scopesOf(client, call, place)) {
    for (const one of scope.cases) {
      // Since the start of this process.
      if (performance.now() > longestMs) {
        leftOut++
        continue
      }
      for (const page of await expectedPages(client, one, scope)) {
        const line = await measure(scope, place.organizationId, one, page, postmaster)
        lines.push(line)
        console.log(line.text)
      }
    }
  }
  if (leftOut > 0) console.log(`${leftOut} lists left out: the time was up.`)
  const promised = lines.filter((line) => !line.adverse).sort((a, b) => b.p50 - a.p50)
  const over = (time: 'p50' | 'max') => promised.filter((line) => line[time] > goalMs).length
  console.log(`
Work is the time that processors spent for one page, whatever else the machine was doing.
Adverse cases are outside of the promise: see walkedRows and frequent in keys/key-list-store.ts.
${promised.length} promised pages: ${over('p50')} with a p50 over ${goalMs} ms, ${over('max')} with a maximum over it. The worst of them:
${promised[0]?.text}`)
}

async function scopesOf(client: pg.Client, call: Call, place: SeedPlace): Promise<Scope[]> {
  const { rows } = await client.query<{ id: string; hint: string }>(
    `select key_id as id, hint from secrets where key_id in
       (select id from keys where project_id = $1 and state = 'active' and last_end_at > $2 order by id offset 1000 limit 1)`,
    [place.largeProjectId, new Date(benchNow)],
  )
  const [sample] = rows
  assert(sample)
  const cases = listCases(sample)
  const organization = `k.organization_id = '${place.organizationId}'`
  const reaching = (projects: readonly string[]): Scope => ({
    name: `${projects.length} projects`,
    call: { ...call, caller: { ...call.caller, projects: new Set(projects) } },
    projectId: null,
    condition: `k.project_id in (${projects.map((id) => `'${id}'`).join(', ')})`,
    cases: reachCases(),
  })
  return [
    {
      name: 'project',
      call,
      projectId: place.largeProjectId,
      condition: `k.project_id = '${place.largeProjectId}'`,
      cases,
    },
    { name: 'organization', call, projectId: null, condition: organization, cases },
    reaching(place.smallProjectIds.slice(0, 3)),
    reaching(place.smallProjectIds.slice(0, 100)),
  ]
}

interface ExpectedPage {
  readonly number: number
  readonly cursor: string | undefined
  readonly ids: string[]
}

/** Page 1, and page 10,000 or the last one. */
async function expectedPages(client: pg.Client, one: ListCase, scope: Scope): Promise<ExpectedPage[]> {
  const { rows } = await client.query<{ id: string; ended: boolean; place: string; n: number; deep_page: number }>(
    naiveQuery(one, scope.condition),
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
  { name, call, projectId }: Scope,
  organizationId: string,
  one: ListCase,
  page: ExpectedPage,
  postmaster: number,
): Promise<Line> {
  const title = `${name.padEnd(15)} ${`${one.group} ${one.name}`.padEnd(46)} ${String(page.number).padStart(6)}`
  const times: number[] = []
  const workedBefore = workedMs(postmaster)
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const startedAt = performance.now()
    const { views } = await listAndCountKeys(call, { organizationId, projectId }, { ...one.query, cursor: page.cursor })
    times.push(performance.now() - startedAt)
    assert.deepEqual(
      views.map(({ key }) => key.id),
      page.ids,
      title,
    )
  }
  const work = (workedMs(postmaster) - workedBefore) / repetitions
  times.sort((a, b) => a - b)
  const [p50, max] = [times[Math.floor(times.length / 2)] ?? 0, times.at(-1) ?? 0]
  const mark = one.adverse ? '  adverse' : p50 > goalMs ? '  OVER' : max > goalMs ? '  over at times' : ''
  const numbers = [p50, max, work].map((time) => time.toFixed(1).padStart(8)).join(' ')
  return { text: `${title} ${numbers}${mark}`, p50, max, adverse: one.adverse }
}
