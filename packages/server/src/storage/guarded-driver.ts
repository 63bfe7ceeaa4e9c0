import { AsyncLocalStorage } from 'node:async_hooks'
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult, TransactionSettings } from 'kysely'
import { translateDriverError } from './driver-errors.ts'

const insideTransaction = new AsyncLocalStorage<true>()

/** Runs a transaction so that whoever asks the database outside of it, in the midst of it, gets an error. */
export function markTransaction<R>(work: () => Promise<R>): Promise<R> {
  return insideTransaction.run(true, work)
}

/**
 * Around the driver of either engine: errors come out in one vocabulary, and a second connection inside a transaction is
 * refused. On one connection such a query would wait for its own transaction for ever; on a pool, enough of them at once
 * would. Meant for programmers: the error names the mistake.
 */
export class GuardedDriver implements Driver {
  readonly #driver: Driver

  constructor(driver: Driver) {
    this.#driver = driver
  }

  init(): Promise<void> {
    return this.#driver.init()
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    if (insideTransaction.getStore()) throw new Error('the database was asked inside a transaction: pass on `tx`')
    const connection = await translated(() => this.#driver.acquireConnection())
    return new GuardedConnection(connection)
  }

  beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    return translated(() => this.#driver.beginTransaction(inner(connection), settings))
  }

  commitTransaction(connection: DatabaseConnection): Promise<void> {
    return translated(() => this.#driver.commitTransaction(inner(connection)))
  }

  rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    return translated(() => this.#driver.rollbackTransaction(inner(connection)))
  }

  releaseConnection(connection: DatabaseConnection): Promise<void> {
    return this.#driver.releaseConnection(inner(connection))
  }

  destroy(): Promise<void> {
    return this.#driver.destroy()
  }
}

class GuardedConnection implements DatabaseConnection {
  readonly inner: DatabaseConnection

  constructor(connection: DatabaseConnection) {
    this.inner = connection
  }

  executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    return translated(() => this.inner.executeQuery<R>(query))
  }

  streamQuery<R>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<R>> {
    return this.inner.streamQuery<R>(query, chunkSize)
  }
}

function inner(connection: DatabaseConnection): DatabaseConnection {
  return connection instanceof GuardedConnection ? connection.inner : connection
}

async function translated<R>(work: () => Promise<R>): Promise<R> {
  try {
    return await work()
  } catch (error) {
    throw translateDriverError(error)
  }
}
