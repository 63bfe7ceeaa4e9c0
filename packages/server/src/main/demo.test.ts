import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { AuditEvent, AuditVerification, Key } from '@keyturn/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type KeyturnProcess, openWorkplace, type Workplace } from '../../test/support/processes.ts'

describe('the demo', () => {
  let workplace: Workplace
  let url: string
  let filled: string
  let server: KeyturnProcess

  const dataDir = () => path.join(workplace.directory, 'data-demo')
  const ask = async <B>(what: string): Promise<B> => {
    const response = await fetch(`${url}/v1/organizations/northwind-freight/${what}`, {
      headers: { authorization: `Bearer ${readFileSync(path.join(dataDir(), 'root-key'), 'utf8').trim()}` },
    })
    expect(response.status).toBe(200)
    return (await response.json()) as B
  }
  const listKeys = async (query = '') =>
    (await ask<{ data: Key[] }>(`keys?limit=200&status=active,disabled,expired,revoked${query}`)).data
  const listEvents = async () => (await ask<{ data: AuditEvent[] }>('audit-events?limit=200')).data

  beforeAll(async () => {
    workplace = openWorkplace()
    const { code, stdout, stderr } = await workplace.run('main/demo.ts', {}, ['--fill-only']).ended()
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    filled = stdout
    server = workplace.run('main/demo.ts')
    url = await server.ready()
  })
  afterAll(() => workplace.clear())

  it('goes into a directory of its own, and leaves nothing unfinished there', () => {
    expect(existsSync(workplace.dataDir)).toBe(false)
    expect(existsSync(path.join(dataDir(), 'unfinished-demo'))).toBe(false)
  })

  it('has about sixty keys, in as many states as it says', async () => {
    const keys = await listKeys()
    const count = (status: string) => keys.filter((key) => key.status === status).length
    expect(filled).toContain(
      `${count('active')} active, ${count('disabled')} disabled, ${count('expired')} expired, ${count('revoked')} revoked`,
    )
    expect({
      all: keys.length,
      disabled: count('disabled'),
      expired: count('expired'),
      revoked: count('revoked'),
      projects: new Set(keys.map((key) => key.project_id)).size,
    }).toEqual({ all: 64, disabled: 3, expired: 7, revoked: 5, projects: 4 })
  })

  it('has every sort of key that there is to look at', async () => {
    const keys = await listKeys()
    const active = keys.filter((key) => key.status === 'active')
    const sorts: Record<string, (key: Key) => unknown> = {
      'ends within a week': (key) => Date.parse(key.expires_at ?? '') < Date.now() + 7 * 86_400_000,
      expiring: (key) => key.expiring,
      'never expires, by policy': (key) => key.never_expires && !key.legacy,
      legacy: (key) => key.legacy,
      publishable: (key) => key.kind === 'publishable' && !key.legacy,
      'verified offline': (key) => key.kind === 'jwt',
      limited: (key) => key.rate_limit !== null && key.quota !== null,
      test: (key) => key.environment === 'test',
      'never called': (key) => key.last_used_at === null && !key.legacy,
      'called minutes ago': (key) => Date.parse(key.last_used_at ?? '') > Date.now() - 3_600_000,
      vague: (key) => key.warnings.some((warning) => warning.code === 'vague_name'),
      'bound to addresses': (key) => key.allowed_ips.length > 0,
      'of somebody who has left': (key) => key.owner === 'marcus.bell@northwind-freight.example',
      'nobody would be told': (key) => key.warnings.some((warning) => warning.code === 'nobody_would_be_told'),
    }
    for (const [sort, isOne] of Object.entries(sorts)) expect(active.filter(isOne).length, sort).toBeGreaterThan(0)
    const names = active.filter((key) => !key.legacy).map((key) => `${key.project_id} ${key.name}`)
    expect(new Set(names).size, 'two with one name').toBeLessThan(names.length)
    for (const key of keys.filter(({ status }) => status === 'revoked')) expect(key.revoked_reason).toMatch(/\w/)
  })

  it('has a history in which nothing happens before or after it could', async () => {
    for (const key of await listKeys()) {
      const [made, used] = [key.created_at, key.last_used_at ?? key.created_at].map((time) => Date.parse(time))
      expect(used, key.name).toBeGreaterThanOrEqual(Number(made))
      const end = key.expires_at === null || key.status === 'disabled' ? key.last_action.at : key.expires_at
      if (key.status !== 'active') expect(used, key.name).toBeLessThanOrEqual(Date.parse(end))
      expect(Math.max(Number(used), Date.parse(key.last_action.at)), key.name).toBeLessThanOrEqual(Date.now())
    }
    const times = (await listEvents()).map((event) => event.at)
    expect(times.length).toBeGreaterThan(90)
    expect(times).toEqual(times.toSorted().reverse())
    expect(Date.now() - Date.parse(times.at(-1) ?? '')).toBeGreaterThan(400 * 86_400_000)
  })

  it('has an audit trail of several people, signed and unbroken', async () => {
    expect(new Set((await listEvents()).map((event) => event.actor.name)).size).toBeGreaterThanOrEqual(5)
    expect(await ask<AuditVerification>('audit-events/verification')).toMatchObject({
      intact: true,
      unsigned: 0,
      fault: null,
    })
  })

  it('is made once, and by one process at a time', async () => {
    expect(filled).toContain('Living through')
    expect(server.stdout).not.toContain('Living through')
    const second = await workplace.run('main/demo.ts').ended()
    expect(second).toMatchObject({ code: 2, stderr: expect.stringContaining('in use by another') })
  })

  it('never goes into data that is there for something else', async () => {
    const real = path.join(workplace.directory, 'real')
    const { process: other } = await workplace.start({ KEYTURN_DATA_DIR: real })
    other.kill('SIGTERM')
    await other.ended()
    const { code, stderr } = await workplace.run('main/demo.ts', { KEYTURN_DATA_DIR: real }, ['--fill-only']).ended()
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/^KEYTURN_DATA_DIR .* holds other data/),
    })
  })

  it('ends in order when it is told to', async () => {
    server.kill('SIGTERM')
    expect(await server.ended()).toMatchObject({ code: 0, stderr: '' })
  })
})
