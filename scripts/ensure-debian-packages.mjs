import { spawnSync } from 'node:child_process'

const has = (/** @type {string} */ command) => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0

/** What tests need that npm does not have: the command, and Debian's package for it. */
const packages = { nginx: 'nginx-light', 'redis-server': 'redis-server' }

/**
 * Installs them from Debian where it may: as root, on a machine with apt. Where it may not, the tests that need one say that they were
 * not run, and count as skipped.
 */
export function ensureDebianPackages() {
  process.env['PATH'] = `${process.env['PATH']}:/usr/sbin`
  const missing = () => Object.entries(packages).flatMap(([command, name]) => (has(command) ? [] : [name]))
  if (missing().length === 0 || process.getuid?.() !== 0 || !has('apt-get')) return
  console.log(`Installing ${missing().join(' and ')} with apt-get, for the tests that need them.`)
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  // Each wants to start its service; policy-rc.d of containers mostly forbids that, and a failure of it is none of ours.
  const install = () => [
    'install',
    '--yes',
    '--quiet',
    '--no-install-recommends',
    '-o',
    'DPkg::Lock::Timeout=60',
    ...missing(),
  ]
  for (const words of [install(), ['update', '--quiet'], install()]) {
    spawnSync('apt-get', words, { env: environment, stdio: 'ignore', timeout: 180_000 })
    if (missing().length === 0) return
  }
}
