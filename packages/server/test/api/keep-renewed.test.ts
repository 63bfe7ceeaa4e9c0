import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anEngine } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'

const day = 86_400_000
const script = path.resolve(import.meta.dirname, '../../../../examples/keep-renewed.mjs')
const crash = path.resolve(import.meta.dirname, '../support/crash-before-writing.mjs')

describe.each(anEngine('PostgreSQL'))('examples/keep-renewed.mjs, on $name', (engine) => {
  let keyturn: Keyturn
  let directory: string
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    directory = await mkdtemp(path.join(tmpdir(), 'keyturn-renewed-'))
  })
  afterAll(async () => {
    await keyturn.stop()
    await rm(directory, { recursive: true, force: true })
  })

  async function make(name: string, fields: object) {
    const { key, secret } = await keyturn.createKey('default', { scopes: ['self:rotate'], ...fields })
    const file = path.join(directory, name)
    await writeFile(file, secret.value, { mode: 0o600 })
    return { key, file, first: secret.value }
  }
  const start = (file: string, { preload, args = [] }: { preload?: string; args?: string[] } = {}) =>
    spawn(process.execPath, [...(preload ? ['--import', preload] : []), script, keyturn.url, file, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
  async function runOnce(file: string, preload?: string) {
    const child = start(file, { args: ['--once'], ...(preload && { preload }) })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    const [code, signal] = await once(child, 'close')
    return { code, signal, stderr }
  }
  const valueIn = async (file: string) => (await readFile(file, 'utf8')).trim()

  it('keeps a key renewed through ten lives, one crash before the file was written among them, with no call refused', async () => {
    const lifeDays = 30
    const { key, file } = await make('ten-lives', { expires_in: lifeDays * 86_400 })
    await keyturn.request('PATCH', '/v1/organizations/default', {
      body: { policy: { default_lifetime: lifeDays * 86_400 } },
    })
    const values = [await valueIn(file)]
    const refused: string[] = []
    let crashes = 0
    // Asked far less often than the script would ask, and as a machine that is switched off now and then.
    const pauseDays = 4
    for (let days = 0; values.length <= 10; days += pauseDays) {
      keyturn.clock.advance(pauseDays * day)
      expect(days).toBeLessThan(10 * lifeDays)
      const before = await valueIn(file)
      const wantsCrash = values.length === 5 && crashes === 0
      const run = await runOnce(file, wantsCrash ? crash : undefined)
      if (run.signal === 'SIGKILL') {
        crashes++
        // It was rotated, and nobody knows the new value. The old one goes on meanwhile.
        expect(await valueIn(file)).toBe(before)
        expect((await keyturn.request('GET', `/v1/keys/${key.id}`)).body.rotating).toBe(true)
      } else expect(run).toEqual({ code: 0, signal: null, stderr: '' })
      const value = await valueIn(file)
      const { code } = await keyturn.verify(value)
      if (code !== 'VALID') refused.push(code)
      if (value !== values.at(-1)) values.push(value)
    }
    expect(refused).toEqual([])
    expect(crashes).toBe(1)
    expect(new Set(values).size).toBe(11)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const { body } = await keyturn.request('GET', `/v1/organizations/default/audit-events?key=${key.id}&limit=200`)
    expect(body.data.filter(({ action }: any) => action === 'key.rotated')).toHaveLength(11)
    expect(new Set(body.data.map(({ action }: any) => action))).toEqual(new Set(['key.created', 'key.rotated']))
    const { body: usage } = await keyturn.request('GET', `/v1/keys/${key.id}/usage?step=day`)
    for (const { counts } of usage.data) expect(Object.keys(counts)).toEqual(['VALID'])
  })

  it('left to itself asks as often as it is told, and renews within its window', async () => {
    const { file, first } = await make('left-to-itself', { expires_in: 60 })
    const child = start(file)
    try {
      keyturn.clock.advance(44_000)
      await expect.poll(() => valueIn(file), { timeout: 50_000, interval: 50 }).not.toBe(first)
      expect((await keyturn.verify(await valueIn(file))).code).toBe('VALID')
      expect((await keyturn.verify(first)).code).toBe('VALID')
    } finally {
      child.kill('SIGKILL')
      await once(child, 'close')
    }
  })

  it('renews where an administrator asks for it, long before two thirds of the life', async () => {
    const { file, first } = await make('incident', { expires_in: 90 * 86_400 })
    expect(await runOnce(file)).toMatchObject({ code: 0 })
    expect(await valueIn(file)).toBe(first)
    await keyturn.request('POST', '/v1/projects/default/renewals', { body: { reason: 'a laptop was stolen' } })
    keyturn.clock.advance(1000)
    expect(await runOnce(file)).toMatchObject({ code: 0 })
    const renewed = await valueIn(file)
    expect(renewed).not.toBe(first)
    expect(await runOnce(file)).toMatchObject({ code: 0 })
    expect(await valueIn(file)).toBe(renewed)
  })

  it('says what is wrong, leaves the file alone, and never prints a value', async () => {
    const { key, file, first } = await make('revoked', { expires_in: 3600 })
    await keyturn.request('POST', `/v1/keys/${key.id}/revoke`)
    const run = await runOnce(file)
    expect(run.code).toBe(1)
    expect(run.stderr).toMatch(/GET renewal-info: 401 invalid_token\. .*was revoked/)
    expect(run.stderr).not.toContain(first.slice(12))
    expect(await valueIn(file)).toBe(first)
  })
})
