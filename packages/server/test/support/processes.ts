import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { inject, vi } from 'vitest'
import { bareEnvironment } from './bare-environment.ts'

const sources = path.resolve(import.meta.dirname, '..', '..', 'src')
/** No process of a test lives longer: what hangs is killed, and its test fails. */
const longestLifeMs = 120_000

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A process of Keyturn's own, with what it has said so far. */
export interface KeyturnProcess {
  readonly stdout: string
  readonly stderr: string
  /** Its address, once it is ready. @throws where it ends before */
  ready(): Promise<string>
  /** Waits until it has said something. */
  says(text: RegExp): Promise<void>
  kill(signal: NodeJS.Signals): void
  ended(): Promise<Ended>
}

/** A place for processes to work in, and for what they leave there. */
export interface Workplace {
  readonly directory: string
  readonly dataDir: string
  /** @param script below `src`, as `main/main.ts`; its port is a free one unless the environment says otherwise */
  run(script: string, environment?: Record<string, string>, args?: readonly string[]): KeyturnProcess
  /** Starts a server and waits until it is ready. */
  start(environment?: Record<string, string>): Promise<{ url: string; process: KeyturnProcess }>
  /** Ends what still runs and removes the directory. */
  clear(): Promise<void>
}

/** @param options.migrated the embedded database is there, and nothing in it: for tests that are not about a first start */
export function openWorkplace(options: { migrated?: boolean } = {}): Workplace {
  const directory = mkdtempSync(path.join(tmpdir(), 'keyturn-process-'))
  const dataDir = path.join(directory, 'data')
  if (options.migrated) {
    cpSync(inject('pgliteDirectory'), path.join(dataDir, 'postgres'), { recursive: true })
    writeFileSync(path.join(dataDir, 'master-key'), `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 })
  }
  const children = new Set<ChildProcess>()
  const run: Workplace['run'] = (script, environment = {}, args = []) => {
    const child = spawn(process.execPath, [path.join(sources, script), ...args], {
      cwd: directory,
      env: { ...bareEnvironment, KEYTURN_PORT: '0', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    children.add(child)
    return watch(child)
  }
  return {
    directory,
    dataDir,
    run,
    start: async (environment) => {
      const server = run('main/main.ts', environment)
      return { url: await server.ready(), process: server }
    },
    clear: async () => {
      await Promise.all([...children].map(killAndWait))
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function watch(child: ChildProcess): KeyturnProcess {
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      said[name] += text
    })
  }
  const timer = setTimeout(() => child.kill('SIGKILL'), longestLifeMs)
  const ended = once(child, 'close').then(([code, signal]): Ended => {
    clearTimeout(timer)
    return { code: code as number | null, signal: signal as NodeJS.Signals | null, ...said }
  })
  const says = (text: RegExp) =>
    vi.waitFor(
      () => {
        if (text.test(said.stdout)) return
        throw new Error(`it did not say ${text}, but:\n${said.stdout}${said.stderr}`)
      },
      { timeout: longestLifeMs, interval: 10 },
    )
  return {
    get stdout() {
      return said.stdout
    },
    get stderr() {
      return said.stderr
    },
    ready: async () => {
      const early = await Promise.race([says(/Ctrl-C ends it/), ended])
      if (early) throw new Error(`it ended with ${early.code} before it was ready:\n${early.stderr}`)
      return `${/Open +(http[^\s,]+)/.exec(said.stdout)?.[1]}`.replace('localhost', '127.0.0.1')
    },
    says,
    kill: (signal) => void child.kill(signal),
    ended: () => ended,
  }
}

async function killAndWait(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const closed = once(child, 'close')
  child.kill('SIGKILL')
  await closed
}

/** One that nobody listens on at this moment. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const bound = server.address()
  server.close()
  await once(server, 'close')
  return typeof bound === 'object' && bound !== null ? bound.port : 0
}
