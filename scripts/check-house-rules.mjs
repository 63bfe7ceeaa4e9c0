// The rules of the house that no linter has. Prints `file:line rule` for each breach.
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'

process.chdir(path.resolve(import.meta.dirname, '..'))

const isTest = (/** @type {string} */ file) => file.endsWith('.test.ts')
const isSource = (/** @type {string} */ file) => /^packages\/[^/]+\/src\//.test(file) && !isTest(file)
/** What they test against is no npm package. */
const mayLeaveOut = new Set(['packages/server/test/proxies/nginx.test.ts', 'packages/server/test/limits/redis.test.ts'])
const kernel = 'packages/server/src/kernel'
/** In the browser there is no kernel: a clock for words such as "in 3 days", and names for intentions. */
const clocks = [`${kernel}/clock.ts`, 'packages/console/src/clock.ts']
const randomness = [`${kernel}/random.ts`, 'packages/console/src/api/idempotency-key.ts']

/** Comments may speak of what code may not do. A `//` inside a string ends the line early, which hides nothing of note. */
const withoutComments = (/** @type {string} */ line) =>
  /^\s*(\/\/|\/?\*)/.test(line) ? '' : line.replace(/(^|\s)\/\/ .*$/, '')

/** @type {{ rule: string, applies: (file: string) => boolean, pattern: RegExp }[]} */
const lineRules = [
  {
    rule: `only ${kernel}/clock.ts asks the time: take a clock or a time as an argument`,
    applies: (file) => isSource(file) && !clocks.includes(file),
    pattern:
      /\bDate\.now\b|\bnew Date\(\s*\)|\bnew Date\b(?!\s*\()|(?<!new )\bDate\(\)|\bperformance\.now\b|\bhrtime\b/,
  },
  {
    rule: `only ${kernel}/random.ts makes randomness`,
    applies: (file) => isSource(file) && !randomness.includes(file),
    pattern:
      /\bMath\.random\b|\b(randomBytes|randomUUID\w*|randomInt|randomFill\w*|getRandomValues|generateKey(Pair)?(Sync)?)\b/,
  },
  {
    rule: 'no skipped, lone or unwritten tests',
    applies: isTest,
    pattern:
      /\b(describe|it|test|suite|bench|context|ctx|task)\b(\.\w+)*\.(skip|only|todo|skipIf|runIf)\b|\b(skip|only|todo): true/,
  },
  {
    rule: 'a test is left out only where nginx or Redis is missing',
    applies: (file) => isTest(file) && !mayLeaveOut.has(file),
    pattern: /(?<![.\w])skip\(/,
  },
  {
    rule: 'no disabled types: @ts-ignore and @ts-nocheck hide more than they say',
    applies: () => true,
    pattern: /@ts-(ignore|nocheck)/,
  },
]

const maxLines = 400

const files = globSync(['packages/*/{src,test}/**/*.{ts,tsx,mts}', 'bench/**/*.ts', 'e2e/**/*.ts'], {
  exclude: ['**/node_modules/**'],
}).sort()
const breaches = files.flatMap((file) => {
  const lines = readFileSync(file, 'utf8').split('\n')
  const found = lines.flatMap((line, index) => {
    const code = withoutComments(line)
    return lineRules
      .filter(({ applies, pattern }) => applies(file) && pattern.test(pattern.source.startsWith('@ts') ? line : code))
      .map(({ rule }) => `${file}:${index + 1} ${rule}\n    ${line.trim()}`)
  })
  const length = lines.length - 1
  if (length > maxLines && isSource(file) && !/\/migrations?\//.test(file))
    found.push(`${file} has ${length} lines: past ${maxLines}, something in it wants a file of its own`)
  return found
})

for (const breach of breaches) console.log(breach)
process.exitCode = breaches.length === 0 ? 0 : 1
