import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** What is measured has one core for itself; the load has the other, with PostgreSQL beside it. */
export const serverCore = 0
export const loadCore = 1

/** A server under test. */
export interface Measured {
  readonly url: string
  readonly pid: number
  /** Processor time since its start, in milliseconds. */
  cpuMs(): number
  residentMb(): number
  stop(): Promise<void>
}

// So that what is in a session of its own ends with this one.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const startWithinMs = 120_000

/**
 * In a session of its own, as everything that runs beside it here. Linux shares the processor between sessions before it shares it
 * between processes (sched(7), autogroup), and each connection of PostgreSQL is a session: beside one session of many busy processes
 * they were left waiting for seconds.
 *
 * @param core null: wherever there is room
 */
export async function startServer(
  script: string,
  environment: (port: number) => Record<string, string>,
  core: number | null,
  flags: readonly string[] = [],
): Promise<Measured> {
  const port = await findFreePort()
  const command = [...(core === null ? [] : ['taskset', '-c', String(core)]), process.execPath, ...flags, script]
  const [file = '', ...args] = command
  const child = spawn(file, args, {
    env: { PATH: process.env['PATH'], NODE_ENV: 'production', ...environment(port) },
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
  })
  const end = () => child.kill('SIGKILL')
  process.on('exit', end)
  const url = `http://127.0.0.1:${port}`
  await waitForAnswer(child, url, script)
  const pid = child.pid ?? 0
  return {
    url,
    pid,
    cpuMs: () => cpuMsOf(pid),
    residentMb: () => residentMbOf(pid),
    stop: async () => {
      process.off('exit', end)
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      const timer = setTimeout(end, 20_000)
      await ended
      clearTimeout(timer)
    },
  }
}

async function waitForAnswer(child: ChildProcess, url: string, script: string): Promise<void> {
  const deadline = performance.now() + startWithinMs
  while (child.exitCode === null && performance.now() < deadline) {
    const answer = await fetch(`${url}/healthz`).catch(() => null)
    await answer?.arrayBuffer()
    if (answer) return
    await sleep(50)
  }
  throw new Error(`${script} did not start`)
}

// As `getconf CLK_TCK` says on every Linux of today.
const ticksPerSecond = 100

/** `utime` and `stime` of proc(5); the name in the second field may hold spaces. */
function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond
}

function residentMbOf(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) / 1024
}

/** Moves a process and its threads, and what it starts from now on. */
export async function pin(pid: number, core: number): Promise<void> {
  await once(spawn('taskset', ['-a', '-c', '-p', String(core), String(pid)], { stdio: 'ignore' }), 'exit')
}

export const isInstalled = (command: string): boolean =>
  (process.env['PATH'] ?? '').split(delimiter).some((directory) => existsSync(`${directory}/${command}`))

export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject).listen(0, '127.0.0.1', () => {
      const bound = probe.address()
      probe.close(() => resolve(typeof bound === 'object' && bound !== null ? bound.port : 0))
    })
  })
}
