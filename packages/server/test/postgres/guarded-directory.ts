import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import path from 'node:path'
import { unprivileged } from './unprivileged.ts'

export interface GuardedDirectory {
  readonly path: string
  remove(): Promise<void>
}

/**
 * Waits for its standard input to end, which it does however the process at the other end ends. An initdb at work is
 * let finish, or its shared memory would stay. A pid that another process has got meanwhile is left alone: only a
 * postmaster works in `data`.
 */
const guardScript = `
trap '' INT TERM HUP PIPE
mkdir -m 700 "$1" || exit 1
echo made
cat > /dev/null
tries=0
while [ -e "$1/at-work" ] && [ $tries -lt 100 ]; do
  tries=$((tries + 1))
  sleep 0.1
done
pid=$(head -n 1 "$1/data/postmaster.pid" 2> /dev/null)
signal=QUIT
tries=0
while [ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd")" = "$1/data" ] && [ $tries -lt 200 ]; do
  kill -$signal "$pid"
  tries=$((tries + 1))
  [ $tries -lt 100 ] || signal=KILL
  sleep 0.1
done
rm -rf "$1" || { sleep 1; rm -rf "$1"; }
`

/**
 * Makes a directory that never outlives this process, nor does a PostgreSQL server with its files in `data` there. A
 * shell guards it from a session of its own, because `kill -9` and Ctrl-C leave this process no time to tidy up.
 */
export async function makeGuardedDirectory(parent: string): Promise<GuardedDirectory> {
  const directory = path.join(parent, `keyturn-postgres-${randomBytes(6).toString('hex')}`)
  const guard = spawn('sh', ['-c', guardScript, 'guard', directory], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
    ...unprivileged,
  })
  const ended = once(guard, 'exit')
  await Promise.race([once(guard.stdout, 'data'), ended])
  if (guard.exitCode !== null) throw new Error(`${directory} cannot be made`)
  return {
    path: directory,
    async remove() {
      guard.stdin.end()
      await ended
    },
  }
}
