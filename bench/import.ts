import { createHash, randomBytes } from 'node:crypto'
import { totalmem } from 'node:os'
import { call, callWith, setUp } from './keyturn-setup.ts'
import type { Measured } from './processes.ts'

const keyCount = 1_000_000
const rowsPerCall = 10_000
// An importer of our users would do the same: one call is made ready while another waits for the disk.
const callsAtOnce = 2
const promisedSeconds = 180
/** A quarter of the machine's memory, as PostgreSQL's manual advises (20.4.1), and a log that holds the import between two checkpoints. */
const settings = {
  shared_buffers: `${Math.round(totalmem() / 4 / 1024 ** 2)}MB`,
  effective_cache_size: `${Math.round(totalmem() / 2 / 1024 ** 2)}MB`,
  max_wal_size: '16GB',
}

/**
 * A million keys of another system, known by their digests, into two projects of one organization: through the API, each call as somebody
 * moving here would send it. The clock runs from the first call to the last answer; then some of them are presented.
 */
export async function benchImport(): Promise<void> {
  const setup = await setUp(1, false, settings)
  try {
    const node = await setup.startNode(null)
    const { organization_id: organization } = await patch(node, setup.rootKey, `/v1/projects/${setup.projectId}`, {})
    const path = `/v1/organizations/${organization}`
    await patch(node, setup.rootKey, path, { policy: { max_active_keys: 10_000_000 } })
    const { id: second } = await call(node, setup.rootKey, `${path}/projects`, { name: 'Second' })
    const projects = [setup.projectId, second]
    const dump = writeDump(projects)
    const startedAt = performance.now()
    const cpuBefore = node.cpuMs()
    let sent = 0
    const send = async () => {
      for (let next = dump.calls.shift(); next; next = dump.calls.shift()) {
        const { imported } = await callWith(node, setup.rootKey, `${path}/import`, next)
        if (imported !== rowsPerCall) throw new Error(`only ${imported} of ${rowsPerCall} were imported`)
        sent += rowsPerCall
        if (sent % 100_000 === 0) console.log(`${sent} after ${((performance.now() - startedAt) / 1000).toFixed(0)} s`)
      }
    }
    await Promise.all(Array.from({ length: callsAtOnce }, send))
    const seconds = (performance.now() - startedAt) / 1000
    for (const value of dump.samples) {
      const { code } = await call(node, setup.asker, '/v1/verify', { key: value })
      if (code !== 'VALID') throw new Error(`an imported value is ${code}`)
    }
    const { rows } = await setup.client.query<{ keys: number; events: number }>(
      `select (select count(*)::int from keys where last_action = 'key.imported') as keys,
        (select count(*)::int from audit_events where action = 'key.imported') as events`,
    )
    console.log(`
${rows[0]?.keys} keys, with ${rows[0]?.events} audit events, in ${seconds.toFixed(0)} s (promised: under ${promisedSeconds} s)
${((seconds * 1e6) / keyCount).toFixed(0)} µs a key, of which the server took ${(((node.cpuMs() - cpuBefore) * 1e3) / keyCount).toFixed(0)} µs of processor time
${dump.samples.length} of them presented: all VALID`)
  } finally {
    await setup.stop()
  }
}

/** What somebody moving here has before the clock runs: a body for each call, and one value of each to present afterwards. */
function writeDump(projects: readonly string[]): { calls: string[]; samples: string[] } {
  const samples: string[] = []
  const calls = Array.from({ length: keyCount / rowsPerCall }, (_, place) => {
    const values = Array.from({ length: rowsPerCall }, () => `acme_${randomBytes(18).toString('base64url')}`)
    samples.push(values[0] ?? '')
    const first = place * rowsPerCall
    const keys = values.map((value, index) => ({
      digest: createHash('sha256').update(value).digest('base64'),
      name: `Integration ${first + index}`,
      owner: `owner${(first + index) % 5_000}@example.com`,
      scopes: ['orders:read'],
      expires_in: 86_400 * (1 + ((first + index) % 365)),
    }))
    return JSON.stringify({ project: projects[place % projects.length], keys })
  })
  return { calls, samples }
}

async function patch(node: Measured, bearer: string, route: string, body: object): Promise<any> {
  const response = await fetch(`${node.url}${route}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${route}: ${response.status} ${await response.text()}`)
  return response.json()
}
