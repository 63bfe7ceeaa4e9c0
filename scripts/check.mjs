// `npm run check`: everything that can be said about the code without running it. Each part has a name and one verdict.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
const bin = path.join(root, 'node_modules', '.bin')
const sources = ['packages', 'bench', 'e2e', 'scripts'].filter((name) => existsSync(path.join(root, name)))

const depcruise = path.join(root, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs')

/** @type {Record<string, string[]>} */
const parts = {
  format: ['biome', 'check', '--no-errors-on-unmatched', '.'],
  lint: ['oxlint', '--deny-warnings', '.'],
  types: ['tsc', '--project', 'tsconfig.json'],
  'console types': ['tsc', '--project', 'packages/console/tsconfig.json'],
  arrows: [
    'node',
    '--import',
    './scripts/read-tsx.mjs',
    depcruise,
    '--config',
    '.dependency-cruiser.mjs',
    '--output-type',
    'err-long',
    ...sources,
  ],
  'house rules': ['node', 'scripts/check-house-rules.mjs'],
}

/** @returns {Promise<{ passed: boolean, output: string, seconds: string }>} */
function run(/** @type {string[]} */ [command = '', ...args]) {
  return new Promise((resolve) => {
    const startedAt = performance.now()
    let output = ''
    const finish = (/** @type {boolean} */ passed) =>
      resolve({ passed, output, seconds: ((performance.now() - startedAt) / 1000).toFixed(1) })
    const color = process.stdout.isTTY ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' }
    const child = spawn(path.join(bin, command), args, {
      cwd: root,
      env: { ...process.env, ...color, PATH: `${bin}${path.delimiter}${process.env['PATH'] ?? ''}` },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
        output += text
      })
    child.on('error', (error) => {
      output += error.message
      finish(false)
    })
    child.on('close', (code) => finish(code === 0))
  })
}

/** Runs all parts at once and prints every failure, not only the first. */
export async function runChecks() {
  /** @type {string[]} */
  const failures = []
  const running = Object.entries(parts).map(async ([name, command]) => {
    const { passed, output, seconds } = await run(command)
    console.log(`${passed ? 'pass' : 'FAIL'}  ${name.padEnd(13)} ${seconds} s`)
    const remedy = name === 'format' ? '\n`npm run format` puts it right.' : ''
    if (!passed) failures.push(`\n--- ${name} ---\n${output.trim()}${remedy}`)
  })
  await Promise.all(running)
  for (const failure of failures) console.log(failure)
  return { passed: running.length - failures.length, failed: failures.length }
}

if (import.meta.main) {
  const { failed } = await runChecks()
  process.exitCode = failed === 0 ? 0 : 1
}
