import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findFreePort, openWorkplace, type Workplace } from '../packages/server/test/support/processes.ts'

const readme = path.resolve(import.meta.dirname, '..', 'README.md')
const documentedPort = 4500
const sessionTimeoutMs = 50_000

interface Step {
  readonly commands: string
  /** What stands below the commands as their output; null where nothing does. */
  readonly output: string | null
}

/** The blocks of commands below a heading, each with the output that follows it. */
function readSession(markdown: string, heading: string): Step[] {
  const lines = markdown.split('\n')
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.includes(heading))
  if (start === -1) throw new Error(`README.md has no heading with "${heading}"`)
  const level = /^#+/.exec(lines[start] ?? '')?.[0].length ?? 1
  const length = lines.slice(start + 1).findIndex((line) => new RegExp(`^#{1,${level}} `).test(line))
  const section = lines.slice(start + 1, length === -1 ? undefined : start + 1 + length).join('\n')
  const steps: Step[] = []
  for (const [, language, text = ''] of section.matchAll(/^```(\w*)\n([^]*?)^```$/gm)) {
    const last = steps.at(-1)
    if (language === 'sh') steps.push({ commands: text, output: null })
    else if (last && last.output === null) steps[steps.length - 1] = { ...last, output: text }
    else throw new Error(`README.md: a block of output has no commands before it:\n${text}`)
  }
  return steps
}

/** Cuts what several commands have printed into whole JSON documents. Null: there is something else in it. */
function parseDocuments(text: string): unknown[] | null {
  const documents: unknown[] = []
  let rest = text.trim()
  while (rest !== '') {
    const end = [...rest.matchAll(/[}\]]/g)]
      .map(({ index }) => index + 1)
      .find((candidate) => isJson(rest.slice(0, candidate)))
    if (end === undefined) return null
    documents.push(JSON.parse(rest.slice(0, end)))
    rest = rest.slice(end).trim()
  }
  return documents
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** What no two runs have in common. */
const changing: Record<string, RegExp> = {
  time: /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g,
  value: /\bkt_(?:pub_)?(?:live|test)_[0-9A-Za-z]{38}\b/g,
  hint: /\bkt_(?:pub_)?(?:live|test)_[0-9A-Za-z]{4}…[0-9A-Za-z]{4}/g,
  id: /\b(?:org|prj|key|sec|req)_[0-9a-z]{26}\b/g,
  hash: /\b[0-9a-f]{64}\b/g,
}

/**
 * Puts a number in place of each: what is the same in two places of the document must be the same in the run, what is different,
 * different.
 */
function withoutChanging() {
  const seen = new Map<string, string>()
  return (text: string): unknown => {
    let plain = text
    for (const [kind, pattern] of Object.entries(changing)) {
      plain = plain.replace(pattern, (found) => {
        const known = seen.get(found) ?? `<${kind} ${seen.size + 1}>`
        seen.set(found, known)
        return known
      })
    }
    return parseDocuments(plain) ?? plain.trimEnd()
  }
}

describe('the first session of the README', () => {
  let workplace: Workplace
  let port: number
  beforeAll(async () => {
    workplace = openWorkplace()
    port = await findFreePort()
    await workplace.start({ KEYTURN_PORT: String(port) })
  })
  afterAll(() => workplace.clear())

  /** Runs all commands in one shell, as a reader does, and gives what each block has printed. */
  async function runInOneShell(blocks: readonly string[]): Promise<string[]> {
    const bin = path.join(workplace.directory, 'bin')
    mkdirSync(bin)
    copyFileSync(path.join(import.meta.dirname, 'curl.mjs'), path.join(bin, 'curl'))
    chmodSync(path.join(bin, 'curl'), 0o755)
    const border = '=== the next block ==='
    const script = ['set -e', ...blocks].join(`\necho '${border}'\n`)
    const child = spawn('sh', ['-c', script], {
      cwd: workplace.directory,
      env: { PATH: [path.dirname(process.execPath), process.env['PATH'], bin].join(path.delimiter) },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: sessionTimeoutMs,
    })
    const said = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        said[name] += text
      })
    }
    const [code] = await once(child, 'close')
    expect({ code, stderr: said.stderr }, said.stdout).toEqual({ code: 0, stderr: '' })
    return said.stdout.split(`${border}\n`).slice(1)
  }

  it('does word for word what it says', async () => {
    expect(existsSync(readme), 'there is no README.md; its first session is what this test runs').toBe(true)
    const steps = readSession(readFileSync(readme, 'utf8'), 'First session')
    expect(steps.length, 'the first session has no ```sh block').toBeGreaterThan(0)
    const documented = (text: string) => text.replaceAll(`localhost:${documentedPort}`, `localhost:${port}`)
    const outputs = await runInOneShell(steps.map(({ commands }) => documented(commands)))
    const [ofDocument, ofRun] = [withoutChanging(), withoutChanging()]
    for (const [index, { commands, output }] of steps.entries()) {
      // Commands with no output below them have none to show.
      expect({ commands, output: ofRun(outputs[index] ?? '') }).toEqual({
        commands,
        output: ofDocument(documented(output ?? '')),
      })
    }
  })

  it('shows all that a first session should: create, verify, list by expiry, rename, revoke, refused and why', () => {
    const session = readSession(readFileSync(readme, 'utf8'), 'First session')
      .map(({ commands, output }) => commands + output)
      .join('\n')
    for (const part of [
      '"expires_in": 864000',
      '/v1/verify',
      'expires_before=',
      '-X PATCH',
      '/revoke',
      '"REVOKED"',
      'was revoked',
    ]) {
      expect(session).toContain(part)
    }
  })
})
