import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { StartError } from '../kernel/errors.ts'
import { randomOctets } from '../kernel/random.ts'
import { reasonOf } from './settings.ts'

const socketName = 'in-use.sock'

/** @throws StartError where it cannot be made or written to */
export function prepareDataDirectory(dataDir: string): void {
  const probe = path.join(dataDir, `.probe-${process.pid}`)
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    writeFileSync(probe, '')
    unlinkSync(probe)
  } catch (error) {
    throw new StartError(
      `KEYTURN_DATA_DIR ${dataDir} cannot be written to (${reasonOf(error)}); correct its owner and permissions, or name another directory.`,
    )
  }
}

/**
 * Takes the directory for this process: two with one embedded database would lose rows without an error. What holds it is a
 * socket that this process listens on, which the operating system closes however the process ends; its file may stay, and is
 * then recognised as nobody's.
 *
 * @returns gives it up again
 * @throws StartError where another process has it
 */
export async function holdDataDirectory(dataDir: string): Promise<() => Promise<void>> {
  const file = path.join(dataDir, socketName)
  const taken = new StartError(
    `KEYTURN_DATA_DIR ${dataDir} is in use by another Keyturn process; stop that one, or name another directory.`,
  )
  for (let attempt = 0; attempt < 5; attempt++) {
    const nonce = randomOctets(16).toString('hex')
    const server = await listen(dataDir, nonce)
    if (server) {
      // Somebody who took our socket for a stale one at this very moment would have it now: who answers is who holds it.
      if ((await ask(dataDir, socketName)) === nonce) return () => release(server, file)
      server.close()
      throw taken
    }
    if ((await ask(dataDir, socketName)) !== null) throw taken
    await removeStale(dataDir)
    await wait(20 * attempt)
  }
  throw taken
}

/** Moves the file away before it is removed, and puts it back if somebody turns out to listen on it after all. */
async function removeStale(dataDir: string): Promise<void> {
  const aside = `.stale-${process.pid}.sock`
  try {
    renameSync(path.join(dataDir, socketName), path.join(dataDir, aside))
  } catch (error) {
    if (reasonOf(error) === 'ENOENT') return
    throw error
  }
  if ((await ask(dataDir, aside)) === null) rmSync(path.join(dataDir, aside), { force: true })
  else renameSync(path.join(dataDir, aside), path.join(dataDir, socketName))
}

async function listen(dataDir: string, nonce: string): Promise<Server | null> {
  const server = createServer((socket) => socket.on('error', () => {}).end(nonce))
  const listening = new Promise<boolean>((resolve, reject) => {
    server.once('listening', () => resolve(true))
    server.once('error', (error) => (reasonOf(error) === 'EADDRINUSE' ? resolve(false) : reject(error)))
  })
  inDirectory(dataDir, () => server.listen(socketName))
  server.unref()
  return (await listening) ? server : null
}

/** @returns what whoever listens there says; null where nobody does */
function ask(dataDir: string, name: string): Promise<string | null> {
  return new Promise((resolve) => {
    let said = ''
    const socket = inDirectory(dataDir, () => connect(name))
    socket.setTimeout(2_000, () => socket.destroy())
    socket.on('data', (data) => {
      said += data.toString('latin1')
    })
    socket.on('error', (error) => resolve(/ECONNREFUSED|ENOENT/.test(reasonOf(error)) ? null : said))
    socket.on('close', () => resolve(said))
  })
}

/** The path of a socket may have 107 bytes, which a data directory alone can exceed; a relative one is always short enough. */
function inDirectory<T>(directory: string, work: () => T): T {
  const before = process.cwd()
  process.chdir(directory)
  try {
    return work()
  } finally {
    process.chdir(before)
  }
}

async function release(server: Server, file: string): Promise<void> {
  rmSync(file, { force: true })
  await new Promise<void>((resolve) => server.close(() => resolve()))
}

/** Reads a small file that only this user may read. @returns null where there is none */
export function readPrivateFile(file: string): string | null {
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : null
}

/** Whole or not at all, whenever the process is killed; mode 0600. @throws StartError */
export function writePrivateFile(file: string, text: string): void {
  const part = `${file}.${process.pid}.part`
  try {
    rmSync(part, { force: true })
    writeFileSync(part, `${text}\n`, { mode: 0o600, flush: true })
    renameSync(part, file)
  } catch (error) {
    throw new StartError(
      `KEYTURN_DATA_DIR: ${file} cannot be written (${reasonOf(error)}); correct the permissions of the directory.`,
    )
  }
}
