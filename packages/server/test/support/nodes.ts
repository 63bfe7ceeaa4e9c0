import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Key, Propagation, Secret } from '@keyturn/contract'
import pg from 'pg'
import { bareEnvironment } from './bare-environment.ts'
import { createPostgresDatabase } from './engines.ts'
import { openSilentProxy, type SilentProxy } from './silent-proxy.ts'

export interface NodeAnswer {
  readonly status: number
  readonly body: any
}

/** One Keyturn, in a process of its own, with a network of its own to the database. */
export interface NodeProcess {
  readonly url: string
  /** Under which it registered when it started. */
  readonly id: string
  readonly pid: number
  readonly proxy: SilentProxy
  /** What it has written to its terminal so far. */
  readonly output: () => string
  request(method: string, path: string, body?: unknown): Promise<NodeAnswer>
  /** The verdict; where there is none, the status: `503`. */
  verdict(value: string, demand?: object): Promise<string>
  /** The body of the verdict. */
  verify(value: string): Promise<any>
  signal(name: NodeJS.Signals): void
  readonly ended: Promise<unknown>
}

export interface Nodes {
  readonly nodes: readonly NodeProcess[]
  readonly databaseUrl: string
  readonly maxStalenessMs: number
  /** As superuser, past all proxies. */
  query<R = any>(text: string, values?: unknown[]): Promise<R[]>
  createKey(fields?: object): Promise<{ key: Key; secret: Secret & { value: string } }>
  stop(): Promise<void>
}

export interface NodesOptions {
  readonly count?: number
  readonly maxStaleness?: number
  /** One of its own by default. */
  readonly databaseUrl?: string
  /** Loaded into the process of node `index` ahead of everything else. */
  readonly preload?: (index: number) => string | null
  readonly environment?: Record<string, string>
}

const main = path.resolve(import.meta.dirname, '../../src/main/main.ts')
const startWithinMs = 30_000
const requestTimeoutMs = 40_000

/** Starts them one after the other, so that the first one prepares the database. */
export async function startNodes(options: NodesOptions = {}): Promise<Nodes> {
  const maxStaleness = options.maxStaleness ?? 3
  const own = options.databaseUrl === undefined ? await createPostgresDatabase() : null
  const databaseUrl = options.databaseUrl ?? own?.url ?? ''
  const directory = await mkdtemp(path.join(tmpdir(), 'keyturn-nodes-'))
  const rootKey = `kt_root_${randomBytes(24).toString('hex')}`
  const environment = {
    ...bareEnvironment,
    KEYTURN_MASTER_KEY: randomBytes(32).toString('hex'),
    KEYTURN_ROOT_KEY: rootKey,
    KEYTURN_PORT: '0',
    KEYTURN_MAX_STALENESS: String(maxStaleness),
    ...options.environment,
  }
  const nodes: (NodeProcess & { end(): Promise<void> })[] = []

  async function query<R>(text: string, values: unknown[] = []): Promise<R[]> {
    const client = new pg.Client({ connectionString: databaseUrl, application_name: 'test' })
    client.on('error', () => {})
    await client.connect()
    try {
      return (await client.query<any>(text, values)).rows
    } finally {
      await client.end()
    }
  }

  async function startOne(index: number): Promise<NodeProcess & { end(): Promise<void> }> {
    const proxy = await openSilentProxy(databaseUrl)
    const preload = options.preload?.(index) ?? null
    const child = spawn(process.execPath, [...(preload === null ? [] : ['--import', preload]), main], {
      cwd: directory,
      env: { ...environment, DATABASE_URL: proxy.url, KEYTURN_DATA_DIR: path.join(directory, String(index)) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const ended = once(child, 'exit')
    const end = async () => {
      await endProcess(child, ended)
      await proxy.close()
    }
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    let url: string | undefined
    await until(() => {
      url = /Open\s+(http:[^\s,]+)[\s,]/.exec(output)?.[1]?.replace('localhost', '127.0.0.1')
      if (child.exitCode !== null) throw new Error(`node ${index} did not start:\n${output}`)
      return url !== undefined
    }, startWithinMs)
    const [row] = await query<{ id: string }>('select id from nodes order by started_at desc limit 1')
    return {
      ...clientOf(url ?? '', rootKey),
      id: row?.id ?? '',
      pid: child.pid ?? 0,
      proxy,
      output: () => output,
      signal: (name) => child.kill(name),
      ended,
      end,
    }
  }

  const stop = async () => {
    await Promise.all(nodes.map((node) => node.end()))
    await rm(directory, { recursive: true, force: true })
    await own?.drop()
  }
  try {
    for (let index = 0; index < (options.count ?? 2); index++) nodes.push(await startOne(index))
  } catch (error) {
    await stop()
    throw error
  }
  let made = 0
  return {
    nodes,
    databaseUrl,
    maxStalenessMs: 1000 * maxStaleness,
    query,
    async createKey(fields = {}) {
      const [first] = nodes
      const answer = await first?.request('POST', '/v1/projects/default/keys', {
        name: `Integration ${++made}`,
        ...fields,
      })
      if (answer?.status !== 201) throw new Error(`a key could not be created: ${JSON.stringify(answer)}`)
      return answer.body
    },
    stop,
  }
}

function clientOf(url: string, rootKey: string) {
  async function request(method: string, at: string, body?: unknown): Promise<NodeAnswer> {
    const response = await fetch(`${url}${at}`, {
      method,
      headers: {
        authorization: `Bearer ${rootKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(requestTimeoutMs),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
  }
  const verdict = async (value: string, demand: object = {}) => {
    const { status, body } = await request('POST', '/v1/verify', { key: value, ...demand })
    return status === 200 ? body.code : String(status)
  }
  const verify = async (value: string) => (await request('POST', '/v1/verify', { key: value })).body
  return { url, request, verdict, verify }
}

async function endProcess(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  // A stopped process hears of nothing else.
  child.kill('SIGKILL')
  await ended
}

/** Revokes and waits. @returns what was told, and when it was there */
export async function revokeAndWait(
  node: NodeProcess,
  keyId: string,
  waitTimeout = 30,
): Promise<{ status: number; propagation: Propagation; tookMs: number; at: number }> {
  const begunAt = performance.now()
  const { status, body } = await node.request('POST', `/v1/keys/${keyId}/revoke`, {
    wait: 'propagated',
    wait_timeout: waitTimeout,
  })
  const at = performance.now()
  return { status, propagation: body.propagation, tookMs: at - begunAt, at }
}

export interface Seen {
  readonly node: NodeProcess
  readonly value: string
  readonly sentAt: number
  readonly answeredAt: number
  /** A verdict, a status, or `none` where the connection broke. */
  readonly code: string
}

/** Asks without pause, from several callers at once, until it is stopped. */
export class VerifyLoad {
  readonly seen: Seen[] = []
  readonly #callers: Promise<void>[]
  #stopped = false

  constructor(nodes: readonly NodeProcess[], values: readonly string[], callersPerNode = 4) {
    this.#callers = nodes.flatMap((node) =>
      Array.from({ length: callersPerNode }, (_, caller) => this.#ask(node, values, caller)),
    )
  }

  async #ask(node: NodeProcess, values: readonly string[], caller: number): Promise<void> {
    for (let turn = caller; !this.#stopped; turn++) {
      const value = values[turn % values.length] ?? ''
      const sentAt = performance.now()
      const code = await node.verdict(value).catch(() => 'none')
      this.seen.push({ node, value, sentAt, answeredAt: performance.now(), code })
      await pause(code === 'none' ? 50 : 2)
    }
  }

  /** Codes of the answers to what was sent from this moment on. */
  codesSince(moment: number, value: string, node?: NodeProcess): Set<string> {
    const about = this.seen.filter(
      (one) => one.value === value && one.sentAt >= moment && (node === undefined || one.node === node),
    )
    return new Set(about.map((one) => one.code))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#callers)
  }
}

/** Waits for a condition, and fails where it does not come. @returns how long it took */
export async function until(holds: () => boolean | Promise<boolean>, withinMs = 10_000, what = 'it'): Promise<number> {
  const begunAt = performance.now()
  while (!(await holds())) {
    if (performance.now() - begunAt > withinMs) throw new Error(`${what} did not come within ${withinMs} ms`)
    await pause(10)
  }
  return performance.now() - begunAt
}
