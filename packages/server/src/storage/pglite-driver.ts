import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { Worker } from 'node:worker_threads'
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  type TransactionSettings,
} from 'kysely'
import { TextArray } from './driver-values.ts'

export interface PgliteSource {
  /** Left out: in memory. */
  readonly dataDir?: string
  /** A data directory as `dump` gave it, to start from. */
  readonly image?: Uint8Array<ArrayBuffer>
}

export interface PgliteWorkerData extends PgliteSource {
  /** PostgreSQL itself. */
  readonly program: WebAssembly.Module
}

declare global {
  // TypeScript has it among the types of browsers alone.
  namespace WebAssembly {
    interface Module {
      readonly [Symbol.toStringTag]: string
    }
    function compile(octets: Uint8Array<ArrayBuffer>): Promise<Module>
  }
}

let program: Promise<WebAssembly.Module> | undefined

/** Compiled once, with all that V8 has learnt about it since: each thread would begin anew otherwise. */
function compileProgram(): Promise<WebAssembly.Module> {
  const directory = path.dirname(createRequire(import.meta.url).resolve('@electric-sql/pglite'))
  program ??= readFile(path.join(directory, 'pglite.wasm')).then((octets) => WebAssembly.compile(octets))
  return program
}

export type PgliteRequest =
  | { readonly type: 'query'; readonly id: number; readonly sql: string; readonly parameters: readonly unknown[] }
  | { readonly type: 'dump'; readonly id: number }
  | { readonly type: 'close'; readonly id: number }

export type PgliteResponse =
  | {
      readonly id: number
      readonly rows: unknown[]
      readonly affectedRows?: number
      readonly image?: Uint8Array<ArrayBuffer>
    }
  | { readonly id: number; readonly error: { message: string; fields: Record<string, unknown> } }

type Answer = Extract<PgliteResponse, { rows: unknown[] }>

/** PGlite in its thread. One connection: who holds it has the database to itself, in the order of asking. */
export class PgliteThread {
  readonly #worker: Worker
  readonly #waiting = new Map<number, { resolve: (answer: Answer) => void; reject: (error: Error) => void }>()
  readonly #queue: (() => void)[] = []
  #held = false
  #closed = false
  #lastId = 0

  private constructor(data: PgliteWorkerData) {
    this.#worker = new Worker(new URL('./pglite-worker.ts', import.meta.url), { workerData: data })
    this.#worker.on('message', (response: PgliteResponse) => this.#settle(response))
    this.#worker.on('error', (error) => this.#failAll(error instanceof Error ? error : new Error(String(error))))
    this.#worker.on('exit', () => this.#failAll(new Error('connection terminated: the embedded database has stopped')))
  }

  static async open(data: PgliteSource): Promise<PgliteThread> {
    const thread = new PgliteThread({ ...data, program: await compileProgram() })
    await new Promise<Answer>((resolve, reject) => thread.#waiting.set(0, { resolve, reject }))
    return thread
  }

  query(sql: string, parameters: readonly unknown[]): Promise<Answer> {
    return this.#ask((id) => ({ type: 'query', id, sql, parameters }))
  }

  /** The whole data directory as a tar file. */
  async dump(): Promise<Uint8Array<ArrayBuffer>> {
    const { image } = await this.#ask((id) => ({ type: 'dump', id }))
    if (!image) throw new Error('the dump of the embedded database is empty')
    return image
  }

  async close(): Promise<void> {
    if (this.#closed) return
    await this.#ask((id) => ({ type: 'close', id }))
    this.#closed = true
    await this.#worker.terminate()
  }

  /** Waits until nobody else holds the connection. */
  async acquire(): Promise<void> {
    if (this.#held) await new Promise<void>((resolve) => this.#queue.push(resolve))
    this.#held = true
  }

  release(): void {
    const next = this.#queue.shift()
    if (next) next()
    else this.#held = false
  }

  #ask(request: (id: number) => PgliteRequest): Promise<Answer> {
    if (this.#closed) return Promise.reject(new Error('connection terminated: the embedded database has stopped'))
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#worker.postMessage(request(id))
    })
  }

  #settle(response: PgliteResponse): void {
    const waiting = this.#waiting.get(response.id)
    this.#waiting.delete(response.id)
    if (!waiting) return
    if ('error' in response) waiting.reject(Object.assign(new Error(response.error.message), response.error.fields))
    else waiting.resolve(response)
  }

  #failAll(error: Error): void {
    this.#closed = true
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}

/** PGlite for Kysely. Kysely's own dialect for it lets two transactions share the one connection, and mixes them up. */
export class PgliteThreadDialect implements Dialect {
  readonly #wrap: (driver: Driver) => Driver
  readonly #thread: PgliteThread

  constructor(thread: PgliteThread, wrap: (driver: Driver) => Driver) {
    this.#thread = thread
    this.#wrap = wrap
  }

  createDriver(): Driver {
    return this.#wrap(new PgliteThreadDriver(this.#thread))
  }

  createQueryCompiler() {
    return new PostgresQueryCompiler()
  }

  createAdapter() {
    return new PostgresAdapter()
  }

  createIntrospector(...[db]: Parameters<Dialect['createIntrospector']>) {
    return new PostgresIntrospector(db)
  }
}

class PgliteThreadDriver implements Driver {
  readonly #thread: PgliteThread

  constructor(thread: PgliteThread) {
    this.#thread = thread
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    await this.#thread.acquire()
    return new PgliteThreadConnection(this.#thread)
  }

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    const { isolationLevel, accessMode } = settings
    const modes = [isolationLevel && `isolation level ${isolationLevel}`, accessMode].filter(
      (mode) => mode !== undefined,
    )
    await connection.executeQuery(CompiledQuery.raw(`begin ${modes.join(', ')}`))
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'))
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('rollback'))
  }

  async releaseConnection(): Promise<void> {
    this.#thread.release()
  }

  destroy(): Promise<void> {
    return this.#thread.close()
  }
}

/** PGlite's thread is handed values, and no objects of classes. */
const plain = (parameter: unknown) => (parameter instanceof TextArray ? parameter.values : parameter)

class PgliteThreadConnection implements DatabaseConnection {
  readonly #thread: PgliteThread

  constructor(thread: PgliteThread) {
    this.#thread = thread
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { rows, affectedRows } = await this.#thread.query(query.sql, query.parameters.map(plain))
    return { rows: rows as R[], numAffectedRows: BigInt(affectedRows ?? 0) }
  }

  streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('the embedded database does not stream; read page by page')
  }
}
