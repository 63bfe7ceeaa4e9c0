import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { chown, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findBinaries, findDisk, findMemory, type PostgresVersion } from './binaries.ts'
import { makeGuardedDirectory } from './guarded-directory.ts'
import { unprivileged } from './unprivileged.ts'

export interface PostgresOptions {
  version?: PostgresVersion
  /** A free one of 127.0.0.1 by default. */
  port?: number
  settings?: Record<string, string | number>
  /** Memory (when /dev/shm has room) for tests; disk for benches, whose fsync must be a true one. */
  storage?: 'memory' | 'disk'
}

/** `fast` ends its connections and writes everything out; `immediate` is a crash: the next start recovers from the log. */
export type StopMode = 'fast' | 'immediate'

export interface PostgresServer {
  /** Superuser and password included, of the database `postgres`. */
  readonly url: string
  readonly port: number
  /** The postmaster's; another one after a restart. */
  readonly pid: number
  restart(mode?: StopMode): Promise<void>
  /** Ends the server and removes its files. */
  stop(): Promise<void>
}

const startTimeoutMs = 60_000
const stopTimeoutMs = 20_000
const settingsOfTests = { max_connections: 300, timezone: 'UTC', log_timezone: 'UTC' }
/** The locale that PGlite has too: the same order and the same lower case on both engines. */
const locale = ['--locale=C', `--lc-ctype=${process.platform === 'linux' ? 'C.UTF-8' : 'C'}`, '--encoding=UTF8']
/** Runs a command while the file `at-work` says so: the guard lets it finish before it removes the directory. */
const runMarked = 'touch at-work && "$0" "$@"; code=$?; rm -f at-work; exit $code'
const environment = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' }

/**
 * Starts a PostgreSQL server of its own on 127.0.0.1, as root or as an ordinary user. However this process ends, `kill -9`
 * included, the server ends with it and nothing of it stays.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const { bin, copy } = await findBinaries(options.version ?? 15)
  const directory = await makeGuardedDirectory(await (options.storage === 'disk' ? findDisk() : findMemory()))
  const remove = async () => {
    await directory.remove()
    await copy?.remove()
  }
  try {
    const password = randomBytes(16).toString('hex')
    await createCluster(bin, directory.path, password)
    const settings = { ...settingsOfTests, ...options.settings }
    let postmaster = await launch(bin, directory.path, settings, options.port)
    const { port } = postmaster
    return {
      url: `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`,
      port,
      get pid() {
        return postmaster.pid
      },
      async restart(mode = 'fast') {
        await end(postmaster.process, mode)
        postmaster = await launch(bin, directory.path, settings, port)
      },
      async stop() {
        await end(postmaster.process, 'fast')
        await remove()
      },
    }
  } catch (error) {
    await remove()
    throw error
  }
}

async function createCluster(bin: string, directory: string, password: string): Promise<void> {
  const passwordFile = path.join(directory, 'password')
  await writeFile(passwordFile, password, { mode: 0o600 })
  if (unprivileged) await chown(passwordFile, unprivileged.uid, unprivileged.gid)
  const files = [`--pgdata=${path.join(directory, 'data')}`, `--pwfile=${passwordFile}`]
  // A password even on 127.0.0.1: any user of the machine could otherwise run code as this one.
  const options = ['--username=postgres', '--auth=scram-sha-256', ...locale, '--no-sync', '--no-instructions']
  const logFile = path.join(directory, 'initdb-log')
  const child = spawnForServer('sh', ['-c', runMarked, path.join(bin, 'initdb'), ...files, ...options], {
    cwd: directory,
    logFile,
  })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`initdb failed. It said:\n${await readFile(logFile, 'utf8')}`)
}

interface Place {
  cwd: string
  logFile: string
}

interface Postmaster {
  process: ChildProcess
  pid: number
  port: number
}

async function launch(
  bin: string,
  directory: string,
  settings: Record<string, string | number>,
  wantedPort: number | undefined,
): Promise<Postmaster> {
  for (;;) {
    const port = wantedPort ?? (await findFreePort())
    const { postmaster, log } = await tryToLaunch(bin, directory, { ...settings, port })
    if (postmaster !== undefined) return { ...postmaster, port }
    // Between the look for a free port and the start somebody else may take it.
    if (wantedPort !== undefined || !log.includes('Address already in use'))
      throw new Error(`PostgreSQL did not start on port ${port}. It said:\n${log}`)
  }
}

async function tryToLaunch(
  bin: string,
  directory: string,
  settings: Record<string, string | number>,
): Promise<{ postmaster?: { process: ChildProcess; pid: number }; log: string }> {
  const data = path.join(directory, 'data')
  const logFile = path.join(directory, 'log')
  const all = { listen_addresses: '127.0.0.1', unix_socket_directories: '', ...settings }
  const child = spawnForServer(
    path.join(bin, 'postgres'),
    ['-D', data, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    { cwd: '/', logFile },
  )
  const deadline = performance.now() + startTimeoutMs
  while (child.exitCode === null && child.signalCode === null && performance.now() < deadline) {
    const status = (await readFile(path.join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
    // The file of a postmaster that crashed may still be there, hence the pid.
    if (child.pid !== undefined && Number(status[0]) === child.pid && status[7]?.trim() === 'ready')
      return { postmaster: { process: child, pid: child.pid }, log: '' }
    await sleep(20)
  }
  await end(child, 'immediate')
  return { log: await readFile(logFile, 'utf8') }
}

/** Out of the terminal's group: Ctrl-C is for the tests, which then still have a database to tidy up with. */
function spawnForServer(command: string, args: string[], { cwd, logFile }: Place): ChildProcess {
  const log = openSync(logFile, 'w')
  const options = { cwd, env: environment, detached: true, ...unprivileged }
  const child = spawn(command, args, { ...options, stdio: ['ignore', log, log] })
  closeSync(log)
  return child
}

async function end(child: ChildProcess, mode: StopMode): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
  const abandon = setTimeout(() => child.kill('SIGQUIT'), stopTimeoutMs)
  await ended
  clearTimeout(abandon)
}

/** Below the range that outgoing connections take, or one of those could sit on the port while the server restarts. */
async function findFreePort(): Promise<number> {
  for (;;) {
    const port = randomInt(15_000, 32_000)
    const probe = createServer()
    const free = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
    })
    if (free) return port
  }
}
