import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { get } from 'node:http'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Setup, setUp } from './keyturn-setup.ts'
import { type Load, measure, median, presentAll, type Round } from './load.ts'
import { isInstalled, loadCore, type Measured, serverCore, startServer } from './processes.ts'
import { invalidValue, writeValues } from './verify-seed.ts'

const rounds = 3
const seconds = 4
const connections = 32
const inRotation = 10_000
const keysOfPeers = 100_000
const sizes = [10_000, 100_000, 1_000_000]
const floodPerSecond = 2_000

const parts = { warm, cold, sizes: measureSizes, flood } satisfies Record<string, (bench: Bench) => Promise<void>>
type Part = keyof typeof parts
const isPart = (name: string): name is Part => Object.hasOwn(parts, name)

interface Bench extends Setup {
  /** 10,000 values, of which 5 % nobody was given. */
  readonly mixed: Load
}

/** @param wanted parts; none: all of them */
export async function benchVerify(wanted: readonly string[]): Promise<void> {
  for (const tool of ['wrk', 'taskset']) {
    if (isInstalled(tool)) continue
    console.error(`${tool} is missing; on Debian: apt-get install wrk util-linux`)
    process.exitCode = 2
    return
  }
  const chosen = wanted.length === 0 ? Object.keys(parts) : wanted
  const keyCount = chosen.includes('sizes') ? Math.max(...sizes) : keysOfPeers
  const setup = await setUp(keyCount, true)
  try {
    const file = path.join(setup.directory, 'mixed')
    await writeValues(
      file,
      Array.from({ length: inRotation }, (_, number) =>
        number % 20 === 7 ? invalidValue(number) : (setup.values[number] ?? ''),
      ),
    )
    const mixed: Load = {
      values: file,
      way: 'post',
      credential: setup.asker,
      first: 0,
      count: inRotation,
      seconds,
      connections,
    }
    for (const part of chosen) {
      if (isPart(part)) await parts[part]({ ...setup, mixed })
      else console.error(`There is no part ${JSON.stringify(part)}; there is: ${Object.keys(parts).join(', ')}.`)
    }
  } finally {
    await setup.stop()
  }
}

async function warm(bench: Bench): Promise<void> {
  const node = await bench.startNode(serverCore)
  await presentAll(node, { ...bench.mixed, values: bench.valuesFile, count: keysOfPeers, connections: 128 })
  const valid = bench.values[0] ?? ''
  const post = await startFixed('./fixed-server.ts', bench, await answerOf(node, bench, valid, 'post'))
  const authorize = await startFixed('./fixed-server.ts', bench, await answerOf(node, bench, valid, 'authorize'))
  const peers = await startPeers(bench)
  const lines: Line[] = [
    { name: 'ceiling, POST', server: post, load: bench.mixed },
    { name: 'POST /v1/verify', server: node, load: bench.mixed },
    { name: 'ceiling, GET', server: authorize, load: { ...bench.mixed, way: 'authorize' } },
    { name: 'GET /v1/authorize', server: node, load: { ...bench.mixed, way: 'authorize' } },
    ...peers.map(({ name, server }) => ({ name, server, load: bench.mixed })),
  ]
  title(`warm: ${keysOfPeers} keys, ${inRotation} in rotation, 5 % invalid`)
  const results = await measureAll(lines)
  const of = (name: string) => results.get(name)
  print('POST /v1/verify of the ceiling', ratio(of('POST /v1/verify'), of('ceiling, POST')), '0.75')
  print('GET /v1/authorize of the ceiling', ratio(of('GET /v1/authorize'), of('ceiling, GET')), '0.90')
  print('p99 of POST by the ceiling', p99Ratio(of('POST /v1/verify'), of('ceiling, POST')), '2 at most')
  print('p99 of GET by the ceiling', p99Ratio(of('GET /v1/authorize'), of('ceiling, GET')), '2 at most')
  for (const { name, goal } of peers) print(`POST by ${name}`, ratio(of('POST /v1/verify'), of(name)), goal)
  for (const server of [node, post, authorize, ...peers.map((peer) => peer.server)]) await server.stop()
}

async function cold(bench: Bench): Promise<void> {
  // Room for one, so that the next one is never there; who asks is known, as it is to a node whose cache is cold.
  const node = await bench.startNode(serverCore, { KEYTURN_CACHED_KEYS: '1' })
  const answer = await answerOf(node, bench, bench.values[0] ?? '', 'post')
  const bare = await startFixed('./bare-query-server.ts', bench, answer)
  const all: Load = { ...bench.mixed, values: bench.valuesFile, count: 40_000 }
  const one: Load = { ...all, connections: 1 }
  title('cold: each value is looked up in the database')
  const results = await measureAll([
    { name: 'bare prepared query', server: bare, load: all },
    { name: 'POST /v1/verify, cold', server: node, load: all },
    { name: 'bare, one connection', server: bare, load: one },
    { name: 'cold, one connection', server: node, load: one },
  ])
  const of = (name: string) => results.get(name)
  print('cold of the bare query', ratio(of('POST /v1/verify, cold'), of('bare prepared query')), '0.80')
  print('cold of the bare query, one at a time', ratio(of('cold, one connection'), of('bare, one connection')), '-')
  await node.stop()
  await bare.stop()
}

async function measureSizes(bench: Bench): Promise<void> {
  const nodes: { size: number; server: Measured }[] = []
  title('memory')
  for (const size of sizes) {
    const server = await bench.startNode(serverCore)
    const empty = server.residentMb()
    const startedAt = performance.now()
    const all: Load = { ...bench.mixed, values: bench.valuesFile, count: size, connections: 256, seconds: 10 }
    await presentAll(server, all)
    const loaded = server.residentMb()
    const readIn = performance.now() - startedAt
    await untilUsesAreWritten(server)
    console.log(
      `${String(size).padStart(9)} keys cached: ${server.residentMb().toFixed(0)} MB resident, ${loaded.toFixed(0)} MB while ` +
        `they were read (${(readIn / 1000).toFixed(0)} s), ${empty.toFixed(0)} MB at the start`,
    )
    nodes.push({ size, server })
  }
  title(`warm by number of keys: ${inRotation} in rotation, 5 % invalid`)
  const results = await measureAll([
    ...nodes.map(({ size, server }) => ({ name: `POST, ${size} keys`, server, load: bench.mixed })),
    ...nodes.map(({ size, server }) => ({
      name: `GET, ${size} keys`,
      server,
      load: { ...bench.mixed, way: 'authorize' as const },
    })),
  ])
  for (const { size, server } of nodes)
    console.log(`${String(size).padStart(9)} keys cached: ${server.residentMb().toFixed(0)} MB after that`)
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)]
  for (const way of ['POST', 'GET']) {
    const of = (size: number) => results.get(`${way}, ${size} keys`)
    print(`${way} with ${most} keys of ${way} with ${least}`, ratio(of(most), of(least)), '1')
  }
  for (const { server } of nodes) await server.stop()
}

/** A million first uses are more than PostgreSQL takes in while it is read from. */
async function untilUsesAreWritten(server: Measured): Promise<void> {
  for (let waited = 0; waited < 120; waited++) {
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    if (/^keyturn_uses_unwritten 0$/m.test(metrics)) return
    await sleep(1_000)
  }
  throw new Error('the uses are still not written')
}

async function flood(bench: Bench): Promise<void> {
  const node = await bench.startNode(serverCore)
  const valid: Load = { ...bench.mixed, values: bench.valuesFile }
  await presentAll(node, valid)
  title(`flood: ${floodPerSecond} well-formed values a second that nobody has, beside valid ones`)
  const [alone, beside]: [Round[], Round[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    alone.push(await measure(node, valid))
    const script = new URL('./flood.ts', import.meta.url).pathname
    const { port } = new URL(node.url)
    const args = ['-c', String(loadCore), process.execPath, script, port, bench.asker, String(floodPerSecond)]
    const child = spawn('taskset', args, { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    await sleep(1000)
    beside.push(await measure(node, valid))
    const ended = once(child, 'exit')
    child.kill()
    await ended
  }
  const [quiet, flooded] = [summarise(alone), summarise(beside)]
  printRound('valid ones alone', quiet)
  printRound('valid ones in the flood', flooded)
  print('in the flood of alone', ratio(flooded, quiet), '0.75')
  print('median latency in the flood by alone', (flooded.p50 / quiet.p50).toFixed(2), '1.25 at most')
  await node.stop()
}

interface Line {
  readonly name: string
  readonly server: Measured
  readonly load: Load
}

/** Interleaved, so that whatever else the machine does meets all of them. */
export async function measureAll(lines: readonly Line[]): Promise<Map<string, Round>> {
  const all = new Map<string, Round[]>(lines.map(({ name }) => [name, []]))
  // A server compiles what it is asked most while it is asked: not what is measured here.
  for (const { server, load } of lines) await measure(server, { ...load, seconds })
  for (let round = 0; round < rounds; round++)
    for (const { name, server, load } of lines) all.get(name)?.push(await measure(server, load))
  const results = new Map([...all].map(([name, measured]) => [name, summarise(measured)]))
  for (const { name, server } of lines) {
    const result = results.get(name)
    if (result) printRound(name, result, server)
  }
  return results
}

function summarise(measured: readonly Round[]): Round {
  const of = (field: keyof Round) => median(measured.map((round) => round[field]))
  return {
    perSecond: of('perSecond'),
    requests: of('requests'),
    p50: of('p50'),
    p99: of('p99'),
    cpuMicroseconds: of('cpuMicroseconds'),
    refused: of('refused'),
  }
}

interface Answer {
  readonly headers: string[]
  readonly body: string
}

/** What Keyturn answers to a valid key, but for the headers that node:http writes by itself. */
async function answerOf(node: Measured, bench: Bench, value: string, way: Load['way']): Promise<Answer> {
  if (way === 'post') {
    const response = await fetch(`${node.url}/v1/verify`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bench.asker}`, 'content-type': 'application/json' },
      body: JSON.stringify({ key: value }),
    })
    const body = await response.text()
    assert.equal(JSON.parse(body).code, 'VALID')
    return {
      headers: ['content-type', 'application/json', 'cache-control', 'no-store', 'content-length', String(body.length)],
      body,
    }
  }
  const headers = { authorization: `Bearer ${value}`, 'x-keyturn-management-key': bench.asker }
  const rawHeaders = await new Promise<string[]>((resolve, reject) => {
    get(`${node.url}/v1/authorize`, { headers, agent: false }, (response) => {
      response.resume()
      assert.equal(response.statusCode, 200)
      resolve(response.rawHeaders)
    }).on('error', reject)
  })
  const own = new Set(['date', 'connection', 'keep-alive'])
  const kept = rawHeaders.filter((_, place) => !own.has(rawHeaders[place - (place % 2)]?.toLowerCase() ?? ''))
  return { headers: kept, body: '' }
}

function startFixed(script: string, bench: Bench, answer: Answer): Promise<Measured> {
  const environment = (port: number) => ({
    PORT: String(port),
    DATABASE_URL: bench.postgres.url,
    ANSWER_HEADERS: JSON.stringify(answer.headers),
    ANSWER_BODY: answer.body,
  })
  return startServer(new URL(script, import.meta.url).pathname, environment, serverCore)
}

interface Peer {
  readonly name: string
  readonly goal: string
  readonly server: Measured
}

const peersDirectory = new URL('./peers/', import.meta.url).pathname

async function startPeers(bench: Bench): Promise<Peer[]> {
  const wanted = [
    { name: 'better-auth in memory', goal: '5', script: 'better-auth.js', STORAGE: 'memory', database: null },
    {
      name: 'better-auth on PostgreSQL',
      goal: '50',
      script: 'better-auth.js',
      STORAGE: 'database',
      database: 'peer_a',
    },
    { name: 'Express and pg', goal: '10', script: 'express-pg.js', STORAGE: 'database', database: 'peer_b' },
  ]
  if (!existsSync(path.join(peersDirectory, 'node_modules'))) {
    console.log(`missing: ${wanted.map(({ name }) => name).join(', ')}; \`npm run bench -- peers\` installs them`)
    return []
  }
  const peers: Peer[] = []
  for (const { name, goal, script, STORAGE, database } of wanted) {
    const url = new URL(bench.postgres.url)
    if (database !== null) {
      await bench.client.query(`drop database if exists ${database}`)
      await bench.client.query(`create database ${database}`)
      url.pathname = `/${database}`
      if (script === 'express-pg.js') await fillUsualTable(url.href, bench)
    }
    const environment = (port: number) => ({
      PORT: String(port),
      STORAGE,
      DATABASE_URL: url.href,
      VALUES: bench.valuesFile,
      COUNT: String(keysOfPeers),
    })
    const server = await startServer(path.join(peersDirectory, script), environment, serverCore)
    await assertKnows(server, bench, name)
    peers.push({ name, goal, server })
  }
  return peers
}

async function assertKnows(server: Measured, bench: Bench, name: string): Promise<void> {
  for (const [value, valid] of [
    [bench.values[5000], true],
    [invalidValue(0), false],
  ] as const) {
    const response = await fetch(`${server.url}/v1/verify`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ key: value }),
    })
    const verdict: { valid: boolean } = JSON.parse(await response.text())
    assert.equal(verdict.valid, valid, name)
  }
}

async function fillUsualTable(url: string, bench: Bench): Promise<void> {
  const { default: pg } = await import('pg')
  const { sha256 } = await import('../packages/server/src/kernel/digest.ts')
  const client = new pg.Client(url)
  await client.connect()
  await client.query(`create table api_keys (id bigint generated always as identity primary key, digest bytea not null unique,
    name text not null, owner text, scopes text[] not null, metadata jsonb not null, expires_at timestamptz, revoked_at timestamptz)`)
  await client.query(
    `insert into api_keys (digest, name, owner, scopes, metadata, expires_at)
     select digest, 'Customer ' || n || ', nightly export', 'user' || n % 20000 || '@northwind.example',
       array['orders:read', 'scope' || n % 40 || ':write'], '{"plan": "pro"}', now() + interval '1 year'
     from unnest($1::bytea[]) with ordinality as given (digest, n)`,
    [bench.values.slice(0, keysOfPeers).map((value) => sha256(value))],
  )
  await client.query('analyze')
  await client.end()
}

export function title(text: string): void {
  console.log(`\n${text}`)
  const columns = ['a second', 'p50 ms', 'p99 ms', 'CPU µs', 'RSS MB']
  console.log(`${''.padEnd(28)}${columns.map((column) => column.padStart(10)).join('')}`)
}

function printRound(name: string, round: Round, server?: Measured): void {
  const cells = [
    round.perSecond.toFixed(0),
    round.p50.toFixed(2),
    round.p99.toFixed(2),
    round.cpuMicroseconds.toFixed(1),
    server?.residentMb().toFixed(0) ?? '',
  ]
  console.log(`${name.padEnd(28)}${cells.map((cell) => cell.padStart(10)).join('')}`)
}

export function print(name: string, value: string, goal: string): void {
  console.log(`  ${name.padEnd(48)} ${value.padEnd(16)} to reach: ${goal}`)
}

/** By answers a second; and by processor time for each, which other work on the machine disturbs less. */
export const ratio = (one: Round | undefined, other: Round | undefined) =>
  one && other
    ? `${(one.perSecond / other.perSecond).toFixed(2)} (CPU ${(other.cpuMicroseconds / one.cpuMicroseconds).toFixed(2)})`
    : 'none'
const p99Ratio = (one: Round | undefined, other: Round | undefined) =>
  one && other ? (one.p99 / other.p99).toFixed(2) : 'none'
