// Runs before every npm script, on whatever Node the machine has (20 or later): Node built-ins alone, because nothing
// is installed yet. Afterwards node_modules holds what package-lock.json says, and node_modules/.bin/node exists.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const stampFile = path.join(root, 'node_modules', '.keyturn-installed')
const lockFile = path.join(root, '.keyturn-install.lock')
const dependencyKinds = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies']
const dependencyFields = ['workspaces', 'overrides', 'allowScripts', ...dependencyKinds]

const read = (/** @type {string} */ file) => {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

/** Changes with whatever changes an installation; a changed npm script is no reason to install again. */
function computeStamp() {
  const hash = createHash('sha256')
  hash.update(`${process.platform} ${process.arch}\n`)
  hash.update(read(path.join(root, 'package-lock.json')) ?? '')
  const packages = fs.readdirSync(path.join(root, 'packages')).map((name) => path.join('packages', name))
  for (const directory of ['.', ...packages.sort()]) {
    const manifest = JSON.parse(read(path.join(root, directory, 'package.json')) ?? '{}')
    hash.update(`\n${directory} ${JSON.stringify(dependencyFields.map((field) => manifest[field]))}`)
  }
  return hash.digest('hex')
}

/** Why an installation is needed; undefined when it is not. */
function findReason() {
  if (!fs.existsSync(path.join(root, 'node_modules'))) return 'node_modules is missing'
  const stamp = read(stampFile)
  if (stamp === undefined) return 'node_modules was not completely installed by this script'
  return stamp === computeStamp() ? undefined : 'the dependencies changed since the last installation'
}

/**
 * Names a living process so that no later one is mistaken for it: containers give the same few pids again and again,
 * hence the start time. A zombie holds nothing. Undefined when the process has ended.
 */
function identify(/** @type {number} */ pid) {
  const stat = read(`/proc/${pid}/stat`)
  if (stat !== undefined) {
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : `${pid} ${fields[19]}`
  }
  if (fs.existsSync('/proc/self/stat')) return undefined
  try {
    process.kill(pid, 0)
    return `${pid} -`
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM' ? `${pid} -` : undefined
  }
}

function tryLock() {
  try {
    fs.writeFileSync(lockFile, `${identify(process.pid)}\n`, { flag: 'wx' })
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

/** The pid that holds the lock. A lock of which every holder has ended (kill -9, power cut) is taken away. */
function findHolder() {
  const content = read(lockFile)
  if (content === undefined) return undefined
  const holder = findLiving(content)
  if (holder !== undefined) return holder
  // An empty lock is being written at this moment, unless its writer died in between.
  const age = Date.now() - (fs.statSync(lockFile, { throwIfNoEntry: false })?.mtimeMs ?? 0)
  if (content === '' && age < 5000) return 0
  const taken = `${lockFile}.${process.pid}`
  try {
    fs.renameSync(lockFile, taken)
  } catch {
    return undefined
  }
  // Somebody else was quicker, and what was renamed is the new holder's lock: it goes back.
  if (findLiving(read(taken) ?? '') !== undefined) fs.linkSync(taken, lockFile)
  fs.rmSync(taken)
  return undefined
}

const findLiving = (/** @type {string} */ content) =>
  content
    .split('\n')
    .filter((line) => line !== '' && identify(Number.parseInt(line, 10)) === line)
    .map((line) => Number.parseInt(line, 10))[0]

async function lock() {
  let told = false
  while (!tryLock()) {
    const holder = findHolder()
    if (holder === undefined) continue
    if (holder !== 0 && !told) console.error(`Waiting for the installation that process ${holder} has begun here.`)
    told ||= holder !== 0
    await sleep(200)
  }
}

/** @returns {Promise<{ code: number | null, signal: NodeJS.Signals | undefined, output: string }>} */
function runNpmCi() {
  return new Promise((resolve, reject) => {
    // `npm ci` deletes node_modules, so npm must not run on the Node that lies in it.
    const outside = (process.env.PATH ?? '').split(path.delimiter).filter((entry) => !entry.includes('node_modules'))
    // NODE_ENV=production, omit=… and engine-strict of the machine must not decide what is installed here.
    const options = ['--include=dev', '--include=optional', '--engine-strict=false', '--loglevel=error']
    const child = spawn('npm', ['ci', ...options, '--no-audit', '--no-fund', '--no-progress'], {
      cwd: root,
      env: { ...process.env, PATH: outside.join(path.delimiter) },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that a signal ends npm together with the install scripts that it has started.
      detached: true,
    })
    /** @type {NodeJS.Signals | undefined} */
    let interruptedBy
    for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
      process.on(signal, () => {
        interruptedBy = signal
        if (child.pid !== undefined) process.kill(-child.pid, signal)
      })
    }
    // If this process alone is killed, npm goes on; the next one must wait for it.
    if (child.pid !== undefined) fs.appendFileSync(lockFile, `${identify(child.pid) ?? ''}\n`)
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, signal: interruptedBy, output }))
  })
}

class InstallationError extends Error {}

/** One sentence with the remedy; undefined where only npm's own words help. */
function explain(/** @type {string} */ output) {
  const again = 'then run the same command again.'
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH/.test(output))
    return `npm could not reach its registry: check the network and npm's proxy settings, ${again}`
  if (/ENOSPC/.test(output)) return `The disk is full: free about 1 GB, ${again}`
  if (/EACCES|EPERM|EROFS/.test(output)) return `npm may not write: make ${root} and npm's cache writable, ${again}`
  if (/EUSAGE/.test(output)) return `package.json and package-lock.json do not agree: run \`npm install\`, ${again}`
  return undefined
}

async function install(/** @type {string} */ reason) {
  console.error(`Installing the dependencies with \`npm ci\`, because ${reason}. This takes about half a minute.`)
  const startedAt = Date.now()
  fs.rmSync(stampFile, { force: true })
  const stamp = computeStamp()
  const { code, signal, output } = await runNpmCi().catch((error) => {
    throw new InstallationError(
      error.code === 'ENOENT' ? 'npm was not found: install Node 20 or later together with npm.' : error.message,
    )
  })
  if (signal !== undefined) return signal
  if (code !== 0) {
    const explanation = explain(output)
    if (explanation === undefined) console.error(output.trim())
    throw new InstallationError(explanation ?? '`npm ci` failed, for the reason above; put that right and try again.')
  }
  const node = spawnSync(path.join(root, 'node_modules', '.bin', 'node'), ['--version'], { encoding: 'utf8' })
  if (node.status !== 0)
    throw new InstallationError(
      'The pinned Node did not come with `npm ci`: allow install scripts (`npm config set ignore-scripts false`), ' +
        'then run the same command again; Node 26 needs glibc 2.28 or later.',
    )
  fs.writeFileSync(stampFile, stamp)
  console.error(`Installed in ${Math.round((Date.now() - startedAt) / 1000)} s.`)
  return undefined
}

if (findReason() !== undefined) {
  try {
    await lock()
    const reason = findReason()
    const signal = reason === undefined ? undefined : await install(reason)
    fs.rmSync(lockFile, { force: true })
    if (signal !== undefined) {
      console.error('The installation was interrupted; the next start begins it again.')
      process.exitCode = signal === 'SIGINT' ? 130 : 143
    }
  } catch (error) {
    const ours = findLiving(read(lockFile) ?? '') === process.pid
    if (ours) fs.rmSync(lockFile, { force: true })
    const text = String(error)
    console.error(error instanceof InstallationError ? error.message : (explain(text) ?? text))
    process.exitCode = 2
  }
}
