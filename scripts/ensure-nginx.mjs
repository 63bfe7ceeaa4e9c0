import { spawnSync } from 'node:child_process'

const has = (/** @type {string} */ command) => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0

/**
 * Installs Debian's nginx where it may: as root, on a machine with apt. Where it may not, the tests that need it say that they were not
 * run, and count as skipped.
 */
export function ensureNginx() {
  process.env['PATH'] = `${process.env['PATH']}:/usr/sbin`
  if (has('nginx') || process.getuid?.() !== 0 || !has('apt-get')) return
  console.log('Installing nginx-light with apt-get, for the tests of Keyturn behind nginx.')
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  // The package wants to start it on port 80; policy-rc.d of containers mostly forbids that, and a failure of it is none of ours.
  const install = [
    'install',
    '--yes',
    '--quiet',
    '--no-install-recommends',
    '-o',
    'DPkg::Lock::Timeout=60',
    'nginx-light',
  ]
  for (const words of [install, ['update', '--quiet'], install]) {
    spawnSync('apt-get', words, { env: environment, stdio: 'ignore', timeout: 180_000 })
    if (has('nginx')) return
  }
}
