import { parentPort, workerData } from 'node:worker_threads'
import { PGlite, type PGliteOptions } from '@electric-sql/pglite'
import type { PgliteRequest, PgliteResponse, PgliteWorkerData } from './pglite-driver.ts'
import { parseInt8, parseTimestamptz, typeOids } from './result-values.ts'

// PGlite runs a query to its end without giving way. Here, beside the thread that answers verdicts, it stops nobody.

const { dataDir, image, program } = workerData as PgliteWorkerData
if (!parentPort) throw new Error('pglite-worker.ts runs as a worker thread')
const port = parentPort

const options: PGliteOptions = {
  pgliteWasmModule: program,
  parsers: { [typeOids.int8]: parseInt8, [typeOids.timestamptz]: parseTimestamptz },
  ...(dataDir === undefined ? {} : { dataDir }),
  ...(image === undefined ? {} : { loadDataDir: new Blob([image]) }),
}

const post = (response: PgliteResponse) => port.postMessage(response)

try {
  const database = await PGlite.create(options)
  let last: Promise<void> = Promise.resolve()
  port.on('message', (request: PgliteRequest) => {
    last = last.then(() => answer(database, request))
  })
  post({ id: 0, rows: [] })
} catch (error) {
  post({ id: 0, error: plain(error) })
}

async function answer(database: PGlite, request: PgliteRequest): Promise<void> {
  try {
    if (request.type === 'close') {
      await database.close()
      post({ id: request.id, rows: [] })
      port.close()
      return
    }
    if (request.type === 'dump') {
      const dump = await database.dumpDataDir('none')
      post({ id: request.id, rows: [], image: new Uint8Array(await dump.arrayBuffer()) })
      return
    }
    const result = await database.query(request.sql, [...request.parameters])
    post({ id: request.id, rows: result.rows, affectedRows: result.affectedRows ?? 0 })
  } catch (error) {
    post({ id: request.id, error: plain(error) })
  }
}

/** Errors lose their fields on the way between threads, so they travel as plain objects. */
function plain(error: unknown): { message: string; fields: Record<string, unknown> } {
  if (!(error instanceof Error)) return { message: String(error), fields: {} }
  const { code, constraint, table, column, severity, position }: Record<string, unknown> = Object.fromEntries(
    Object.entries(error),
  )
  return { message: error.message, fields: { code, constraint, table, column, severity, position } }
}
