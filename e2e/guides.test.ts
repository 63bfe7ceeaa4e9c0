import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import type { Key, Secret } from '@keyturn/contract'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openWorkplace, type Workplace } from '../packages/server/test/support/processes.ts'

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}

const root = path.resolve(import.meta.dirname, '..')

/** The blocks of commands in a guide, those in lists too. */
const commandsOf = (guide: string): string[] =>
  [...readFileSync(path.join(root, 'docs', 'guides', guide), 'utf8').matchAll(/^ *```sh\n([^]*?)^ *```$/gm)].map(
    ([, commands = '']) => commands,
  )

describe('the commands of the guides', () => {
  let workplace: Workplace
  let url: string
  let rootKey: string
  beforeAll(async () => {
    workplace = openWorkplace({ migrated: true })
    // Known before it starts, because it is in every token.
    const port = await findFreePort()
    const address = { KEYTURN_PORT: `${port}`, KEYTURN_PUBLIC_URL: `http://127.0.0.1:${port}` }
    url = (await workplace.start({ KEYTURN_WEBHOOK_ALLOW_PRIVATE: '127.0.0.1', ...address })).url
    rootKey = readFileSync(path.join(workplace.dataDir, 'root-key'), 'utf8').trim()
    const bin = path.join(workplace.directory, 'bin')
    mkdirSync(bin)
    copyFileSync(path.join(import.meta.dirname, 'curl.mjs'), path.join(bin, 'curl'))
    chmodSync(path.join(bin, 'curl'), 0o755)
  })
  afterAll(() => workplace.clear())

  async function call<B = any>(method: string, at: string, body?: object): Promise<B> {
    const response = await fetch(`${url}${at}`, {
      method,
      headers: { authorization: `Bearer ${rootKey}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
    return JSON.parse(await response.text())
  }
  const createKey = () =>
    call<{ key: Key; secret: Secret }>('POST', '/v1/projects/default/keys', { name: 'Zapier, production' })

  /** In one shell, as a reader does. @returns what they have printed */
  async function run(commands: readonly string[], environment: Record<string, string>): Promise<string> {
    const child = spawn('sh', ['-c', ['set -e', ...commands].join('\n')], {
      cwd: workplace.directory,
      env: {
        PATH: [path.dirname(process.execPath), process.env['PATH'], path.join(workplace.directory, 'bin')].join(':'),
        KEYTURN: url,
        MANAGEMENT_KEY: rootKey,
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 50_000,
    })
    const said = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => {
        said[name] += text
      })
    const [code] = await once(child, 'close')
    expect({ code, stderr: said.stderr }).toEqual({ code: 0, stderr: '' })
    return said.stdout
  }

  it('to hand a secret over make a link, list it, and withdraw it', async () => {
    const { key } = await createKey()
    const said = await run(commandsOf('hand-over.md'), { KEY: key.id })
    const made = JSON.parse(readFileSync(path.join(workplace.directory, 'link.json'), 'utf8'))
    const { url: _, ...listed } = made
    expect(made.url).toMatch(/\/claim\/kt_claim_[0-9A-Za-z]{38}$/)
    expect(JSON.parse(said)).toEqual({ data: [listed], next_cursor: null })
    expect((await call('GET', `/v1/keys/${key.id}/claim-links`)).data[0].status).toBe('withdrawn')
  })

  it('for reminders show the next mail, set a time zone, and list what became of which', async () => {
    const { key } = await createKey()
    const said = await run(commandsOf('reminders.md'), { KEY: key.id })
    const inFile = (name: string) => JSON.parse(readFileSync(path.join(workplace.directory, name), 'utf8'))
    expect(inFile('preview.json')).toMatchObject({
      next: { reason: 'expiry', threshold: 60 * 86_400, subject: expect.stringContaining('Zapier, production') },
    })
    expect(inFile('organization.json')).toMatchObject({
      time_zone: 'Europe/Berlin',
      notification_email: 'keys@example.com',
    })
    expect(said.match(/"next_cursor":null/g)).toHaveLength(3)
  })

  it('to renew a key by itself make one, keep its value in a file of its own, and call for a renewal', async () => {
    const file = path.join(workplace.directory, 'key')
    const commands = commandsOf('self-renewal.md').map((text) =>
      text.replace('node examples/', `node '${root}/examples'/`),
    )
    const said = await run(commands, { KEY_FILE: file })
    expect(said).toContain('"suggested_window":{"start"')
    expect(said).toContain('"reason":"A backup with settings was lost"')
    const value = readFileSync(file, 'utf8').trim()
    expect(value).toMatch(/^kt_live_[0-9A-Za-z]{38}$/)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    // Asked for by the last of the commands, done by the one before when it runs the next time.
    await run([commands.find((text) => text.includes('keep-renewed')) ?? 'false'], { KEY_FILE: file })
    const renewed = readFileSync(file, 'utf8').trim()
    expect(renewed).not.toBe(value)
    expect((await call('POST', '/v1/verify', { key: renewed })).code).toBe('VALID')
  })

  it('to import keys send them as JSON and as CSV, and they work in their old shape', async () => {
    const said = await run(commandsOf('import.md'), {})
    expect(said).toContain('"imported":2,"existing":0')
    expect(said).toContain('"imported":1,"existing":0')
    for (const value of ['acme_4f0c2a8e6b1d9375c0de', 'acme_warehouse_2f6b1c9d8e7a', 'acme_9be2d07715a84c36f001'])
      expect(await call('POST', '/v1/verify', { key: value })).toMatchObject({ code: 'VALID' })
  })

  const runExample = (guide: string) =>
    run(
      commandsOf(guide).map((text) => text.replace('node examples/', `node '${root}/examples'/`)),
      {},
    )
  const soon = new Date(Date.now() + 200 * 86_400_000).toISOString()
  const digestOf = (value: string) => createHash('sha256').update(value).digest()

  it('to come from better-auth turn its rows into an import', async () => {
    const row = {
      id: 'a1',
      name: 'Zapier',
      start: 'abc_te',
      prefix: 'abc_',
      referenceId: 'user-1',
      email: 'ada@example.com',
    }
    const kept = { enabled: true, expiresAt: soon, permissions: '{"orders":["read","write"]}' }
    const limits = { rateLimitEnabled: true, rateLimitMax: 2, rateLimitTimeWindow: 86_400_000 }
    const rows = [
      {
        ...row,
        ...kept,
        key: digestOf('abc_the-first-key').toString('base64url'),
        metadata: '"{\\"plan\\":\\"pro\\"}"',
      },
      {
        ...row,
        key: digestOf('abc_the-second-key').toString('base64url'),
        enabled: false,
        expiresAt: null,
        name: null,
        id: 'b2',
      },
      { ...row, ...limits, id: 'c3', key: digestOf('abc_the-third-key').toString('base64url'), expiresAt: null },
      { ...row, key: digestOf('abc_one-that-ended').toString('base64url'), expiresAt: '2020-01-01T00:00:00.000Z' },
    ]
    writeFileSync(path.join(workplace.directory, 'apikeys.json'), JSON.stringify(rows))
    expect(await runExample('from-better-auth.md')).toContain('"imported":3')
    expect(await call('POST', '/v1/verify', { key: 'abc_the-first-key', scopes: ['orders:write'] })).toMatchObject({
      code: 'VALID',
      expires_at: soon,
      key: {
        name: 'Zapier',
        owner: 'ada@example.com',
        metadata: { better_auth_id: 'a1', reference: 'user-1', plan: 'pro' },
      },
    })
    const third = [0, 1, 2].map(() => call('POST', '/v1/verify', { key: 'abc_the-third-key' }))
    expect((await Promise.all(third)).map(({ code }) => code).toSorted((a, b) => a.localeCompare(b))).toEqual([
      'RATE_LIMITED',
      'VALID',
      'VALID',
    ])
    expect(await call('POST', '/v1/verify', { key: 'abc_the-second-key' })).toMatchObject({ code: 'DISABLED' })
    expect(await call('POST', '/v1/verify', { key: 'abc_one-that-ended' })).toMatchObject({ code: 'NOT_FOUND' })
  })

  it('to come from Unkey turn its pages into an import', async () => {
    const data = [
      {
        keyId: 'key_1',
        name: 'Zapier',
        start: 'prod_ab',
        enabled: true,
        expires: Date.parse(soon),
        meta: { plan: 'pro' },
        permissions: ['orders.read'],
        roles: ['admin'],
        identity: { id: 'id_1', externalId: 'user-1' },
        ratelimits: [{ id: 'rl_1', name: 'requests', limit: 100, duration: 60_000, autoApply: true }],
        credits: { remaining: 5, refill: { interval: 'monthly', amount: 1_000 } },
        plaintext: 'prod_the-recoverable-key',
      },
      { keyId: 'key_2', start: 'prod_cd', enabled: false, hash: digestOf('prod_the-hashed-key').toString('base64') },
    ]
    writeFileSync(
      path.join(workplace.directory, 'page1.json'),
      JSON.stringify({ meta: {}, data, pagination: { hasMore: false } }),
    )
    expect(await runExample('from-unkey.md')).toContain('"imported":2')
    const demand = { key: 'prod_the-recoverable-key', scopes: ['orders.read', 'role:admin'] }
    expect(await call('POST', '/v1/verify', demand)).toMatchObject({
      code: 'VALID',
      expires_at: soon,
      rate_limit: { windows: [{ limit: 100, window_seconds: 60, remaining: 99 }] },
      quota: { limit: 1_000, refill: 'monthly' },
      key: { name: 'Zapier', metadata: { unkey_id: 'key_1', identity: 'user-1', plan: 'pro' } },
    })
    expect(await call('POST', '/v1/verify', { key: 'prod_the-hashed-key' })).toMatchObject({ code: 'DISABLED' })
  })

  it('for people invite somebody, show what they would leave, remove them, and export what is on record', async () => {
    const [invite = 'false', ...later] = commandsOf('people.md')
    await run([invite], {})
    const inFile = (name: string) => readFileSync(path.join(workplace.directory, name), 'utf8')
    const token = new URL(JSON.parse(inFile('invitation.json')).url).searchParams.get('token')
    const accepted = await call('POST', '/v1/invitations/accept', {
      token,
      name: 'Grace',
      password: 'four words are enough',
    })
    await call('POST', '/v1/projects/default/keys', { name: 'Zapier, production', owner: 'grace@example.com' })
    expect(JSON.parse(await run(later, {})).counts).toEqual({ owned: 1, created: 0, seen: 0 })
    expect(JSON.parse(inFile('report.json'))).toMatchObject({
      member: { id: accepted.person.id },
      keys: [{ owned: true }],
    })
    expect(JSON.parse(inFile('events.jsonl'))).toMatchObject({ action: 'member.removed', target: { name: 'Grace' } })
  })

  it('for customers make an organization, find it by the id of the product, and sign somebody in', async () => {
    await run(commandsOf('portal.md'), {})
    const made = (name: string) => JSON.parse(readFileSync(path.join(workplace.directory, name), 'utf8'))
    expect(made('project.json')).toMatchObject({ organization_id: made('organization.json').id })
    const { pathname, search } = new URL(made('portal.json').url)
    const answer = await fetch(`${url}${pathname}${search}`, { redirect: 'manual' })
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/signed-in'])
    expect(answer.headers.getSetCookie().join()).toMatch(/^keyturn\.session_token=/)
  })

  it('to see what ends list it, subscribe to it, track what others issued, review a key, and try a policy out', async () => {
    const { key } = await createKey()
    // The server of this test has a port that it did not choose before it started; links go by the one that is set.
    const commands = commandsOf('expirations.md').map((text) =>
      text.replace('curl -s "$FEED"', `curl -s "$(echo "$FEED" | sed "s#^http://localhost:[0-9]*#$KEYTURN#")"`),
    )
    const said = await run(commands, { KEY: key.id })
    expect(said).toContain(`"key_id":"${key.id}"`)
    expect(said).toContain('"crowded_days":')
    expect(said).toContain('"rules":["max_lifetime"]')
    const file = (name: string) => readFileSync(path.join(workplace.directory, name), 'utf8')
    expect(file('expirations.csv')).toContain(key.id)
    expect(file('expirations.ics')).toMatch(/^BEGIN:VCALENDAR\r\n[^]*BEGIN:VEVENT[^]*END:VCALENDAR\r\n$/)
    const { url: feed } = JSON.parse(file('feed.json'))
    expect((await fetch(feed.replace(/^http:\/\/localhost:\d+/, url))).status).toBe(403)
    expect((await call('GET', `/v1/keys/${key.id}`)).reviewed_at).not.toBeNull()
    const [tracked] = (await call('GET', '/v1/organizations/default/tracked-credentials')).data
    expect(tracked).toMatchObject({ id: JSON.parse(file('tracked.json')).id, expires_at: '2032-03-01T00:00:00.000Z' })
  })

  it('to move an organization export it, import it elsewhere, verify its trail, and find its keys', async () => {
    const { key, secret } = await createKey()
    const elsewhere = openWorkplace({ migrated: true })
    try {
      const other = (await elsewhere.start()).url
      const otherRootKey = readFileSync(path.join(elsewhere.dataDir, 'root-key'), 'utf8').trim()
      await run(commandsOf('move.md'), { OTHER: other, OTHER_ROOT_KEY: otherRootKey })
      const answerIn = (file: string) => JSON.parse(readFileSync(path.join(workplace.directory, file), 'utf8'))
      expect(answerIn('end.json')).toMatchObject({ type: 'end' })
      expect(answerIn('imported.json')).toMatchObject({
        organization: { slug: 'acme' },
        audit_events: answerIn('end.json').audit.sequence,
      })
      expect(answerIn('verification.json')).toMatchObject({ intact: true, fault: null })
      expect(answerIn('keys.json').data.map(({ id }: Key) => id)).toContain(key.id)
      const response = await fetch(`${other}/v1/verify`, {
        method: 'POST',
        headers: { authorization: `Bearer ${otherRootKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ key: secret.value }),
      })
      expect(await response.json()).toMatchObject({ code: 'VALID', key: { id: key.id } })
    } finally {
      await elsewhere.clear()
    }
  })

  it('for limits make a key that has them, meet them, and show what is left of the quota', async () => {
    const said = await run(commandsOf('rate-limits.md'), {})
    const inFile = (name: string) => JSON.parse(readFileSync(path.join(workplace.directory, name), 'utf8'))
    expect(inFile('passed.json')).toMatchObject({ code: 'VALID', quota: { remaining: 9_998 } })
    expect(said).toContain('"code":"RATE_LIMITED"')
    const { drawn, remaining } = inFile('usage.json').quota
    expect(drawn + remaining).toBe(10_000)
  })

  it('to see what is mailed show the next mail about a key, and the outbox', async () => {
    const { key } = await createKey()
    const said = await run(commandsOf('mail.md'), { KEY: key.id })
    expect(said).toContain('Zapier, production: ends in')
    expect(said).toContain('"next_cursor":')
  })

  it('for webhooks start a receiver, make a channel, test it, rotate its secret, and make a team mailbox', async () => {
    const [serve = 'false', ...commands] = commandsOf('webhooks.md')
    const port = await findFreePort()
    const receiver = spawn('sh', ['-c', `exec ${serve.replace('node examples/', `node '${root}/examples'/`)}`], {
      cwd: workplace.directory,
      env: { PATH: [path.dirname(process.execPath), process.env['PATH']].join(':'), PORT: String(port) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      let said = ''
      receiver.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text
      })
      await vi.waitFor(() => expect(said).toContain('listening'), { timeout: 10_000 })
      await run(commands, { RECEIVER: `http://127.0.0.1:${port}/keyturn` })
      const file = (name: string) => readFileSync(path.join(workplace.directory, name), 'utf8')
      const { delivery } = JSON.parse(file('test.json'))
      // The secret was rotated meanwhile, and the receiver has the new one: both sign.
      await vi.waitFor(() => expect(said).toContain(`channel.test  ${delivery.id}`), { timeout: 20_000 })
      await vi.waitFor(() => expect(said).toMatch(/^key\.created Zapier, production dlv_/m), { timeout: 20_000 })
      expect(JSON.parse(file('deliveries.json')).data.map(({ type }: { type: string }) => type)).toContain(
        'channel.test',
      )
      expect(file('signing-secret')).toMatch(/^whsec_\S+$/m)
      expect(statSync(path.join(workplace.directory, 'signing-secret')).mode & 0o777).toBe(0o600)
      expect(JSON.parse(file('mailbox-test.json'))).toEqual({
        delivery: null,
        mail_id: expect.stringMatching(/^mail_/),
      })
    } finally {
      receiver.kill()
      await once(receiver, 'exit')
    }
  })

  it('for JWT keys make one, verify it offline, revoke it, and rotate the key that signs', async () => {
    const commands = commandsOf('jwt-keys.md').map((text) => text.replace('node examples/', `node '${root}/examples'/`))
    await run(commands, {})
    const inFile = (name: string) => JSON.parse(readFileSync(path.join(workplace.directory, name), 'utf8'))
    const { key, secret } = inFile('created.json')
    expect(inFile('claims.json')).toMatchObject({ iss: url, sub: key.id, jti: secret.id, scope: 'orders:read' })
    expect(statSync(path.join(workplace.directory, 'token')).mode & 0o777).toBe(0o600)
    const { propagation } = inFile('revoked.json')
    expect(propagation).toMatchObject({ complete: true, offline_until: expect.stringMatching(/Z$/) })
    const [signing] = inFile('signing-keys.json').data
    expect(inFile('jwks.json').keys).toMatchObject([{ kid: signing.id, alg: 'EdDSA' }])
    expect(inFile('signing-key.json').signing_key).toMatchObject({ status: 'published', in_jwks: true })
  })

  it('to rotate a key overlap two secrets, stage one, promote it and take it back, and rotate once more by its holder', async () => {
    const { key } = await createKey()
    const own = await call('POST', '/v1/projects/default/keys', { name: 'Renews itself', scopes: ['self:rotate'] })
    const said = await run(commandsOf('rotation.md'), { KEY: key.id, THE_KEY_ITSELF: own.secret.value })
    expect([...said.matchAll(/"code":"(\w+)","sentence":"/g)].map(([, code]) => code)).toEqual([
      'new_never_called',
      'never_called',
    ])
    expect([...said.matchAll(/"value":"(kt_live_\w+)"/g)]).toHaveLength(1)
    const answerIn = (file: string) => JSON.parse(readFileSync(path.join(workplace.directory, file), 'utf8'))
    const kept = ['rotated', 'extended', 'finished', 'staged', 'promoted', 'cancelled'].map((name) => `${name}.json`)
    expect(kept.map((file) => answerIn(file).key.rotating)).toEqual([true, true, false, true, true, false])
    expect((await call('POST', '/v1/verify', { key: answerIn('rotated.json').secret.value })).code).toBe('VALID')
    expect((await call('POST', '/v1/verify', { key: answerIn('staged.json').secret.value })).code).toBe('REVOKED')
  })
})
