import { type ChildProcess, spawn } from 'node:child_process'
import { Agent, request } from 'node:http'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { call, type Setup, setUp } from './keyturn-setup.ts'
import { isInstalled, type Measured } from './processes.ts'
import { writeValues } from './verify-seed.ts'

const nodeCount = 4
const revocations = 200
const underLoad = 10_000
// Of the load, to each node; with more of them the requests wait in queues, and what is measured is those.
const connections = 8
// For how long a node is still asked after it has refused.
const afterwardsMs = 300

/** From the commit of a revocation to the last VALID, on any of four nodes under load. */
export async function benchRevoke(): Promise<void> {
  if (!isInstalled('wrk')) {
    console.error('wrk is missing; on Debian: apt-get install wrk')
    process.exitCode = 2
    return
  }
  const setup = await setUp(underLoad + 2 * revocations, false, { track_commit_timestamp: 'on' })
  let load: ChildProcess[] = []
  try {
    const nodes: Measured[] = []
    for (let number = 0; number < nodeCount; number++) nodes.push(await setup.startNode(null))
    const file = path.join(setup.directory, 'load')
    await writeValues(file, setup.values.slice(0, underLoad))
    load = nodes.map((node) => startLoad(node, setup, file))
    await sleep(5_000)
    console.log(`${nodeCount} nodes, each with ${connections} connections of load that never pause; milliseconds`)
    console.log(
      `${''.padEnd(18)}${['median', 'p99', 'max', 'answer', 'late'].map((column) => column.padStart(10)).join('')}`,
    )
    for (const wait of [false, true]) {
      const first = underLoad + (wait ? revocations : 0)
      const measured: Revoked[] = []
      for (const [number, value] of setup.values.slice(first, first + revocations).entries()) {
        const node = nodes[number % nodeCount]
        if (node) measured.push(await revokeOne(setup, nodes, node, value, wait))
      }
      print(wait ? 'waited for' : 'without waiting', measured)
      const incomplete = wait ? measured.filter(({ complete }) => complete !== true).length : 0
      if (incomplete > 0) console.log(`  ${incomplete} of them said that they were not complete`)
    }
    console.log(`
median, p99, max: from the commit, as PostgreSQL noted it, to the last answer that was VALID
answer: median until the revocation was answered
late: VALID to a request that was sent after an answer that said complete
to reach: without waiting p99 under 250 and max under 1000; late 0`)
  } finally {
    for (const one of load) one.kill('SIGKILL')
    await setup.stop()
  }
}

function startLoad(node: Measured, setup: Setup, file: string): ChildProcess {
  const script = new URL('./wrk.lua', import.meta.url).pathname
  const args = ['-t1', `-c${connections}`, '-d3600s', '-s', script, node.url, '--']
  const load = spawn('wrk', [...args, file, 'post', setup.asker, '0', String(underLoad)], {
    stdio: 'ignore',
    detached: true,
  })
  process.once('exit', () => load.kill('SIGKILL'))
  return load
}

interface Revoked {
  /** From the commit to the last VALID. */
  readonly lastValidMs: number
  readonly answerMs: number
  /** Null: it did not say. */
  readonly complete: boolean | null
  readonly late: number
}

interface Probe {
  readonly sentAt: number
  readonly answeredAt: number
  readonly code: string
}

async function revokeOne(
  setup: Setup,
  nodes: readonly Measured[],
  by: Measured,
  value: string,
  wait: boolean,
): Promise<Revoked> {
  const agent = new Agent({ keepAlive: true })
  const [warmed] = await Promise.all(nodes.map((node) => ask(agent, node, setup.asker, value)))
  const key = warmed?.key
  if (!key) throw new Error('a key that was just made is not valid')
  let revokedAt = Number.POSITIVE_INFINITY
  const probing = nodes.map((node) => probe(agent, node, setup.asker, value, () => revokedAt))
  await sleep(20)
  const sentAt = now()
  const body = { reason: 'bench', ...(wait && { wait: 'propagated' }) }
  const { propagation } = await call(by, setup.rootKey, `/v1/keys/${key.id}/revoke`, body)
  revokedAt = now()
  const probes = (await Promise.all(probing)).flat()
  agent.destroy()
  const { rows } = await setup.client.query<{ committed: string }>(
    'select extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000 as committed from keys where id = $1',
    [key.id],
  )
  const committedAt = Number(rows[0]?.committed)
  if (!(committedAt >= sentAt - 1 && committedAt <= revokedAt)) throw new Error('the clocks do not agree')
  const valid = probes.filter(({ code }) => code === 'VALID')
  const saidComplete = propagation?.complete === true
  return {
    lastValidMs: Math.max(0, ...valid.map(({ answeredAt }) => answeredAt - committedAt)),
    answerMs: revokedAt - sentAt,
    complete: propagation?.complete ?? null,
    late: saidComplete ? valid.filter((one) => one.sentAt > revokedAt).length : 0,
  }
}

/** One request after the other, until the node has refused for a while after the revocation was answered. */
async function probe(
  agent: Agent,
  node: Measured,
  asker: string,
  value: string,
  revokedAt: () => number,
): Promise<Probe[]> {
  const probes: Probe[] = []
  let refusedSince = Number.POSITIVE_INFINITY
  while (now() < Math.max(refusedSince, revokedAt()) + afterwardsMs) {
    const sentAt = now()
    const { code } = await ask(agent, node, asker, value)
    const answeredAt = now()
    probes.push({ sentAt, answeredAt, code })
    if (code === 'VALID') refusedSince = Number.POSITIVE_INFINITY
    else refusedSince = Math.min(refusedSince, answeredAt)
  }
  return probes
}

function ask(
  agent: Agent,
  node: Measured,
  asker: string,
  value: string,
): Promise<{ code: string; key: { id: string } | null }> {
  return new Promise((resolve, reject) => {
    const sent = request(
      `${node.url}/v1/verify`,
      { method: 'POST', agent, headers: { authorization: `Bearer ${asker}`, 'content-type': 'application/json' } },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part
        })
        response.on('end', () => resolve(JSON.parse(text)))
      },
    )
    sent.on('error', reject)
    sent.end(JSON.stringify({ key: value }))
  })
}

/** Wall clock, which PostgreSQL on the same machine reads too, to the microsecond. */
const now = () => performance.timeOrigin + performance.now()

function print(name: string, measured: readonly Revoked[]): void {
  const times = measured.map(({ lastValidMs }) => lastValidMs).sort((a, b) => a - b)
  const answers = measured.map(({ answerMs }) => answerMs).sort((a, b) => a - b)
  const at = (sorted: readonly number[], share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  const cells = [at(times, 0.5), at(times, 0.99), at(times, 1), at(answers, 0.5)].map((time) => time.toFixed(0))
  const late = measured.reduce((sum, one) => sum + one.late, 0)
  console.log(`${name.padEnd(18)}${[...cells, String(late)].map((cell) => cell.padStart(10)).join('')}`)
}
