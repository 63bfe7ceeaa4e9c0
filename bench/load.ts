import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { loadCore, type Measured } from './processes.ts'

/** What is presented, and how. */
export interface Load {
  /** A file with a value in each line. */
  readonly values: string
  readonly way: 'post' | 'authorize'
  /** Who asks. */
  readonly credential: string
  readonly first: number
  readonly count: number
  readonly seconds: number
  readonly connections: number
}

/** One round. Times in milliseconds. */
export interface Round {
  readonly perSecond: number
  readonly requests: number
  readonly p50: number
  readonly p99: number
  readonly cpuMicroseconds: number
  /** Answers other than 2xx, as a share. */
  readonly refused: number
}

const script = new URL('./wrk.lua', import.meta.url).pathname

/** @throws Error where an answer was lost */
export async function measure(server: Measured, load: Load): Promise<Round> {
  const { values, way, credential, first, count, seconds, connections } = load
  const before = server.cpuMs()
  const { stdout } = await promisify(execFile)('setsid', [
    '-w',
    'taskset',
    '-c',
    String(loadCore),
    'wrk',
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '--timeout',
    '10s',
    '-s',
    script,
    server.url,
    '--',
    values,
    way,
    credential,
    String(first),
    String(count),
  ])
  const cpuMs = server.cpuMs() - before
  const result: Record<'requests' | 'microseconds' | 'p50' | 'p99' | 'status' | 'lost', number> = JSON.parse(
    /^RESULT (.*)$/m.exec(stdout)?.[1] ?? 'null',
  )
  if (result.lost > 0) throw new Error(`${server.url} lost ${result.lost} answers`)
  return {
    perSecond: (result.requests / result.microseconds) * 1e6,
    requests: result.requests,
    p50: result.p50 / 1000,
    p99: result.p99 / 1000,
    cpuMicroseconds: (cpuMs * 1000) / result.requests,
    refused: result.status / result.requests,
  }
}

/** Presents every value at least once. */
export async function presentAll(server: Measured, load: Load): Promise<void> {
  for (let done = 0; done < load.count; ) {
    const { requests } = await measure(server, { ...load, first: load.first + done, count: load.count - done })
    // Those that were under way when the time was over are presented again.
    done += requests
    if (done < load.count) done = Math.max(0, done - load.connections)
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
