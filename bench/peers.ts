import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Exactly what the lock file says, in a directory of their own: they are no part of Keyturn. */
export async function installPeers(): Promise<void> {
  const directory = new URL('./peers/', import.meta.url).pathname
  const [code] = await once(spawn('npm', ['ci', '--ignore-scripts'], { cwd: directory, stdio: 'inherit' }), 'exit')
  if (code !== 0) process.exitCode = 1
}
