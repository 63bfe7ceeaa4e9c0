// `npm test`: the checks, then every test. The last line is always `N passed, N failed`, also when the runner crashes; `, N skipped` follows
// where a program is missing that a test needs (nginx, Redis), and the lines before it name what was not run.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { runChecks } from './check.mjs'
import { ensureDebianPackages } from './ensure-debian-packages.mjs'

const root = path.resolve(import.meta.dirname, '..')

/** @returns {Promise<number>} Vitest's exit code. */
function runVitest(/** @type {string} */ countsFile) {
  return new Promise((resolve) => {
    const vitest = path.join(root, 'node_modules', 'vitest', 'dist', 'cli.js')
    const reporters = ['--reporter=default', '--reporter=./scripts/count-reporter.mjs']
    const child = spawn(process.execPath, [vitest, 'run', ...reporters, ...process.argv.slice(2)], {
      cwd: root,
      env: { ...process.env, ...(process.stdout.isTTY ? {} : { NO_COLOR: '1' }), TEST_COUNTS_FILE: countsFile },
      stdio: 'inherit',
    })
    // Ctrl-C reaches Vitest by itself; here it must not end the process before the last line is printed.
    process.on('SIGINT', () => {})
    process.on('SIGTERM', () => child.kill('SIGTERM'))
    child.on('error', () => resolve(1))
    child.on('close', (code) => resolve(code ?? 1))
  })
}

/** @returns {Promise<{ passed: number, failed: number, skipped: number, notRun: string[] }>} */
async function runTests() {
  const directory = mkdtempSync(path.join(tmpdir(), 'keyturn-test-'))
  const countsFile = path.join(directory, 'counts.json')
  /** @type {{ passed: number, failed: number, skipped: number, notRun: string[] }} */
  let counts = { passed: 0, failed: 0, skipped: 0, notRun: [] }
  const exitCode = await runVitest(countsFile)
  try {
    counts = JSON.parse(readFileSync(countsFile, 'utf8'))
  } catch {
    // Without counts the runner did not get to its end; its exit code says so below.
  }
  rmSync(directory, { recursive: true, force: true })
  // No test at all, a set-up that failed, a crash: there is no failed test to count, yet it is a failure.
  if (exitCode !== 0 && counts.failed === 0) counts.failed = 1
  return counts
}

const checks = await runChecks()
ensureDebianPackages()
const tests = await runTests()
const failed = checks.failed + tests.failed
for (const name of tests.notRun) console.log(`not run: ${name}`)
const skipped = tests.skipped > 0 ? `, ${tests.skipped} skipped` : ''
console.log(`${checks.passed + tests.passed} passed, ${failed} failed${skipped}`)
process.exitCode = failed === 0 ? 0 : 1
