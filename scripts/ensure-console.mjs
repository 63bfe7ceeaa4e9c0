// Runs before every script that serves the console: builds it where it is missing or older than its sources, and takes no time where it is
// not. A build is named after a digest of all that it is made from; the server takes the one that `dist/current` names.
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const root = path.resolve(import.meta.dirname, '..')
const home = path.join(root, 'packages', 'console')
const builds = path.join(home, 'dist')

/** All that a build is made from. */
function findSources() {
  const below = (/** @type {string} */ directory) =>
    fs
      .readdirSync(path.join(root, directory), { recursive: true, encoding: 'utf8' })
      .map((name) => path.join(directory, name))
      .filter((name) => !name.endsWith('.test.ts') && fs.statSync(path.join(root, name)).isFile())
  return [
    ...['packages/console/src', 'packages/sdk/src', 'packages/contract/src'].flatMap(below),
    ...['index.html', 'package.json', 'vite.config.ts'].map((name) => path.join('packages', 'console', name)),
    'packages/contract/package.json',
    'package-lock.json',
    'scripts/ensure-console.mjs',
  ].sort()
}

function digestSources() {
  const hash = createHash('sha256')
  for (const name of findSources())
    hash.update(
      `${name}\0${createHash('sha256')
        .update(fs.readFileSync(path.join(root, name)))
        .digest('hex')}\n`,
    )
  return hash.digest('hex').slice(0, 16)
}

/** Once, here, and not with every request. */
function compress(/** @type {string} */ directory) {
  for (const name of fs.readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const file = path.join(directory, name)
    if (!/\.(html|js|css|svg)$/.test(name)) continue
    const content = fs.readFileSync(file)
    fs.writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }))
    const params = { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: content.length }
    fs.writeFileSync(`${file}.br`, brotliCompressSync(content, { params }))
  }
}

const read = (/** @type {string} */ file) => {
  try {
    return fs.readFileSync(file, 'utf8').trim()
  } catch {
    return undefined
  }
}

/** Whole or not at all, whoever else builds at the same time: a directory is renamed into its place, and named after that. */
async function build(/** @type {string} */ digest) {
  const aside = path.join(builds, `unfinished-${process.pid}`)
  const { build: viteBuild } = await import('vite')
  // Vite goes by it: whoever builds within a test would else build React as for developing, half as large again and slower.
  const { NODE_ENV } = process.env
  process.env['NODE_ENV'] = 'production'
  try {
    await viteBuild({ root: home, logLevel: 'error', build: { outDir: aside, emptyOutDir: true } })
  } finally {
    if (NODE_ENV === undefined) delete process.env['NODE_ENV']
    else process.env['NODE_ENV'] = NODE_ENV
  }
  compress(aside)
  try {
    fs.renameSync(aside, path.join(builds, digest))
  } catch {
    // Somebody else was quicker, with the same.
    fs.rmSync(aside, { recursive: true, force: true })
  }
  const pointer = `${aside}.current`
  fs.writeFileSync(pointer, `${digest}\n`)
  fs.renameSync(pointer, path.join(builds, 'current'))
  for (const name of fs.readdirSync(builds))
    if (/^[0-9a-f]{16}$/.test(name) && name !== digest)
      fs.rmSync(path.join(builds, name), { recursive: true, force: true })
}

/** Builds the console unless the last build is of these very sources. */
export async function ensureConsole() {
  const digest = digestSources()
  const isThere = fs.existsSync(path.join(builds, digest, 'index.html'))
  if (isThere && read(path.join(builds, 'current')) === digest) return
  console.error('Building the console, because its sources changed. This takes a few seconds.')
  const startedAt = performance.now()
  await build(digest)
  console.error(`Built in ${((performance.now() - startedAt) / 1000).toFixed(1)} s.`)
}

if (import.meta.main) {
  try {
    await ensureConsole()
  } catch (error) {
    console.error('The console could not be built, for this reason; the server and its API start without it.')
    console.error(error instanceof Error ? error.message : error)
  }
}
