import { connect, type Socket } from 'node:net'
import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely'
import pg from 'pg'
import type { Clock } from '../kernel/clock.ts'
import type { Instant } from '../kernel/instant.ts'
import { GuardedDriver, markTransaction } from './guarded-driver.ts'
import { type PgliteSource, PgliteThread, PgliteThreadDialect } from './pglite-driver.ts'
import { parseInt8, parseTimestamptz, typeOids } from './result-values.ts'
import type { Schema } from './schema.ts'

/** For statements that stand alone; a transaction is one too. */
export type Reader = Kysely<Schema>
/** For what must happen together. Stores take it first. */
export type Tx = Transaction<Schema>

/** The database, whichever engine it is. Nothing outside storage/ asks which. */
export class Database {
  readonly reader: Reader
  readonly capabilities: Capabilities
  readonly #clock: Clock
  readonly #end: () => Promise<void>

  /** @param end what is left to be closed when no query is under way any more */
  constructor(reader: Reader, capabilities: Capabilities, clock: Clock, end: () => Promise<void> = async () => {}) {
    this.reader = reader
    this.capabilities = capabilities
    this.#clock = clock
    this.#end = end
  }

  /**
   * One transaction. Rolled back if `work` throws. A client that falls silent in the midst of one loses it after 5 s, and none
   * waits longer than that for a lock: both give `database_unavailable`, and nothing has happened.
   */
  transaction<R>(work: (tx: Tx) => Promise<R>): Promise<R> {
    return this.reader.transaction().execute((tx) => bounded(tx, work))
  }

  /** One transaction in which every statement sees what was committed before the first. It writes nothing. */
  snapshot<R>(read: (tx: Tx) => Promise<R>): Promise<R> {
    return this.reader
      .transaction()
      .setIsolationLevel('repeatable read')
      .setAccessMode('read only')
      .execute((tx) => bounded(tx, read))
  }

  /** Database time. In a transaction, read it after the row locks are held: what waited for a lock must not decide by an old time. */
  async now(reader: Reader): Promise<Instant> {
    const { rows } = await sql<{ now: Instant }>`select clock_timestamp() as now`.execute(reader)
    return this.#clock.databaseTime(rows[0]?.now ?? Number.NaN)
  }

  async close(): Promise<void> {
    await this.reader.destroy()
    await this.#end()
  }
}

function bounded<R>(tx: Tx, work: (tx: Tx) => Promise<R>): Promise<R> {
  return markTransaction(async () => {
    await sql`select set_config('lock_timeout', '5s', true),
      set_config('idle_in_transaction_session_timeout', '5s', true)`.execute(tx)
    return work(tx)
  })
}

/** What an engine can do; code asks for this, never for its name. */
export interface Capabilities {
  readonly name: 'PGlite' | 'PostgreSQL'
  /** Several processes and connections at once. */
  readonly shared: boolean
}

/** @param data where PGlite keeps its files, or an image to start from in memory */
export async function openPglite(data: PgliteSource, clock: Clock): Promise<Database> {
  const thread = await PgliteThread.open(data)
  const dialect = new PgliteThreadDialect(thread, (driver) => new GuardedDriver(driver))
  // Kysely destroys no driver that was never asked, and the thread would hold its files for as long as the process lives.
  const end = () => thread.close()
  return new Database(new Kysely<Schema>({ dialect }), { name: 'PGlite', shared: false }, clock, end)
}

const connectTimeoutMs = 5_000
// Longer than any statement of ours on a million keys, shorter than a caller's patience.
const statementTimeoutMs = 30_000

/**
 * @param onIdleError told of connections that break while nobody uses them; the pool replaces them
 * @param timeoutMs for a connection, and for a statement
 */
export function openPostgres(
  url: string,
  clock: Clock,
  onIdleError: (error: Error) => void,
  poolSize = 10,
  timeoutMs = statementTimeoutMs,
): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    connectionTimeoutMillis: Math.min(connectTimeoutMs, timeoutMs),
    query_timeout: timeoutMs,
    application_name: 'keyturn',
    types,
  })
  pool.on('error', onIdleError)
  pool.on('connect', (client) => {
    // One that breaks while it is in use: its user learns that from the statement. Unheard, it would end the process.
    client.on('error', () => {})
    endIfItHangs(client)
  })
  const dialect = guarded(new PostgresDialect({ pool }))
  return new Database(new Kysely<Schema>({ dialect }), { name: 'PostgreSQL', shared: true }, clock)
}

/**
 * A connection that gave no answer in time is not used again: it may be dead without notice, and whatever is sent after would wait
 * behind the same silence. The server is asked to give the statement up, or those that wait for one lock would pile up there.
 */
function endIfItHangs(client: pg.PoolClient): void {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what pg's client has beside its declared type
  const { connection, host, port, processID, secretKey } = client as pg.PoolClient & PgClientInside
  const query: (...args: unknown[]) => Promise<unknown> = client.query.bind(client)
  const watched = async (...args: unknown[]) => {
    try {
      return await query(...args)
    } catch (error) {
      if (error instanceof Error && error.message === 'Query read timeout') {
        connection.stream.destroy()
        cancelStatement(host, port, processID, secretKey)
      }
      throw error
    }
  }
  Object.assign(client, { query: watched })
}

interface PgClientInside {
  readonly connection: { readonly stream: Socket }
  readonly host: string
  readonly port: number
  readonly processID: number
  readonly secretKey: number
}

/** CancelRequest (PostgreSQL's protocol, 55.2.9), on a connection of its own, without an answer. */
function cancelStatement(host: string, port: number, processId: number, secretKey: number): void {
  const request = Buffer.alloc(16)
  for (const [index, word] of [16, 80_877_102, processId, secretKey].entries()) request.writeInt32BE(word, 4 * index)
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)
  socket.on('error', () => {})
  socket.setTimeout(connectTimeoutMs, () => socket.destroy())
  socket.end(request)
}

function guarded(dialect: PostgresDialect): PostgresDialect {
  const createDriver = dialect.createDriver.bind(dialect)
  dialect.createDriver = () => new GuardedDriver(createDriver())
  return dialect
}

/** The channel on which nodes tell each other that something was changed. */
export const changesChannel = 'keyturn_changes'

/** A connection of its own, outside the pool. */
export interface DedicatedConnection {
  readonly reader: Reader
  /** At once, whether the server answers or not. */
  destroy(): void
}

/**
 * @param onChange told of every NOTIFY on the channel; where LISTEN cannot be had (a pooler), it is never called
 */
export async function connectDedicated(url: string, onChange: () => void): Promise<DedicatedConnection> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: connectTimeoutMs,
    application_name: 'keyturn-feed',
    types,
  })
  const destroy = () => void client.connection.stream.destroy()
  // A connection that breaks while it is idle: the next statement on it fails, and whoever sent that replaces it.
  client.on('error', () => {})
  client.on('notification', onChange)
  try {
    await client.connect()
    await client.query(`listen ${changesChannel}`)
  } catch (error) {
    destroy()
    throw error
  }
  const pool = {
    connect: async () => Object.assign(client, { release: () => {} }),
    end: async () => destroy(),
    options: {},
  }
  return { reader: new Kysely<Schema>({ dialect: guarded(new PostgresDialect({ pool })) }), destroy }
}

/** Tells every node that listens; those that do not hear it look by themselves soon. */
export async function notifyChange(reader: Reader): Promise<void> {
  await sql`select pg_notify(${changesChannel}, '')`.execute(reader)
}

/** As pg reads them, but for the types of which its reading loses something. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) => {
    if (oid === typeOids.int8) return parseInt8
    if (oid === typeOids.timestamptz) return parseTimestamptz
    // oxlint-disable-next-line typescript/no-unsafe-return -- pg's own parsers give `any`; Kysely's types say what comes out
    return pg.types.getTypeParser(oid, format)
  },
}
