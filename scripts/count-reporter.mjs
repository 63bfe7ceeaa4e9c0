import { writeFileSync } from 'node:fs'

/**
 * A Vitest reporter that writes how many tests passed, failed and were skipped into the file that `TEST_COUNTS_FILE`
 * names, and which were skipped and why. What failed outside of a test (a file that does not load, a hook, an unhandled rejection) counts as one each.
 */
export default class CountReporter {
  /**
   * @param {readonly import('vitest/node').TestModule[]} testModules
   * @param {readonly unknown[]} unhandledErrors
   */
  onTestRunEnd(testModules, unhandledErrors) {
    /** @type {{ passed: number, failed: number, skipped: number, notRun: string[] }} */
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0, notRun: [] }
    for (const testModule of testModules) {
      let failures = testModule.errors().length
      for (const suite of testModule.children.allSuites()) failures += suite.errors().length
      for (const test of testModule.children.allTests()) {
        const { state, ...result } = test.result()
        if (state === 'passed') counts.passed += 1
        else if (state === 'skipped') {
          counts.skipped += 1
          const why = 'note' in result && result.note ? result.note : 'left out'
          counts.notRun.push(`${test.fullName} (${why})`)
        } else failures += 1
      }
      counts.failed += failures === 0 && !testModule.ok() ? 1 : failures
    }
    writeFileSync(process.env['TEST_COUNTS_FILE'] ?? '', JSON.stringify(counts))
  }
}
