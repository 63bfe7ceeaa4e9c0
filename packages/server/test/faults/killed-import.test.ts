import { randomBytes } from 'node:crypto'
import { readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createPostgresDatabase } from '../support/engines.ts'
import { readLines, sealed, smallExport } from '../support/exports.ts'
import { openWorkplace, type Workplace } from '../support/processes.ts'

const rootKey = `root-${randomBytes(24).toString('hex')}`
const id = 'org_01kzzkkkkkkkkkkkkkkkkkkkkk'

/** Whoever writes the head of this organization's chain, the last thing that an import does, waits for whoever holds the lock. */
const waitAtTheEnd = `
  create function wait_at_the_end() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(7); return new; end $$;
  create trigger wait_at_the_end before insert on audit_heads for each row
    when (new.chain = '${id}' and new.sequence > 0) execute function wait_at_the_end();`

let workplace: Workplace
let database: Awaited<ReturnType<typeof createPostgresDatabase>>
let holder: pg.Client
beforeAll(async () => {
  workplace = openWorkplace()
  database = await createPostgresDatabase({ empty: true })
  holder = new pg.Client(database.url)
  await holder.connect()
})
afterAll(async () => {
  await workplace.clear()
  await holder.end()
  await database.drop()
})

it('an import whose process is killed in its midst leaves no row and no file, and can be sent again', async () => {
  const environment = {
    DATABASE_URL: database.url,
    KEYTURN_MASTER_KEY: randomBytes(32).toString('hex'),
    KEYTURN_ROOT_KEY: rootKey,
  }
  const inDataDirectory = () => readdirSync(workplace.dataDir).filter((name) => name.startsWith('import-'))
  const call = (url: string, method: string, at: string, body?: string) =>
    fetch(`${url}/v1/organizations/${at}`, {
      method,
      headers: { authorization: `Bearer ${rootKey}`, 'content-type': 'application/jsonl' },
      ...(body !== undefined && { body }),
    })
  const [head, organization, project, event] = readLines(smallExport(id))
  const projects = Array.from({ length: 20 }, (_, place) => ({
    ...project,
    type: 'project',
    id: `${project?.['id']}${place + 10}`,
    slug: `p-${place}`,
    management: false,
  }))
  const file = sealed([head, organization, project, ...projects, event].flatMap((line) => (line ? [line] : [])))

  const first = await workplace.start(environment)
  await holder.query(waitAtTheEnd)
  await holder.query('select pg_advisory_lock(7)')
  const broken = call(first.url, 'POST', `${id}/import.jsonl`, file).catch(() => 'broken')
  await vi.waitFor(async () => {
    const { rows } = await holder.query(`select 1 from pg_locks where locktype = 'advisory' and not granted`)
    expect(rows).toHaveLength(1)
  })
  expect(inDataDirectory()).toEqual([])
  first.process.kill('SIGKILL')
  expect(await broken).toBe('broken')
  await holder.query('select pg_advisory_unlock(7)')

  // As one would leave it that dies between opening a file and taking its name away.
  writeFileSync(path.join(workplace.dataDir, 'import-0123'), 'half a file')
  const { url } = await workplace.start(environment)
  expect(inDataDirectory()).toEqual([])
  expect((await call(url, 'GET', id)).status).toBe(404)
  const { rows } = await holder.query(
    `select (select count(*)::int from projects where organization_id = $1) + (select count(*)::int from audit_events where chain = $1) as rows`,
    [id],
  )
  expect(rows).toEqual([{ rows: 0 }])
  expect((await call(url, 'POST', `${id}/import.jsonl`, file)).status).toBe(201)
  expect(await (await call(url, 'GET', `${id}/audit-events/verification`)).json()).toMatchObject({
    intact: true,
    events: 2,
  })
}, 90_000)
