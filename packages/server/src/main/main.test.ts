import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import path from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createPostgresDatabase } from '../../test/support/engines.ts'
import { type Ended, findFreePort, openWorkplace, type Workplace } from '../../test/support/processes.ts'

const masterKey = 'a0'.repeat(32)
const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8)
const readKey = (workplace: Workplace) => readFileSync(path.join(workplace.dataDir, 'root-key'), 'utf8').trim()

/** What is set wrong ends a process with exit code 2 and one sentence, and nothing else. */
function expectRefusal({ code, stdout, stderr }: Ended, names: string, remedy: RegExp) {
  expect({ code, stdout, lines: stderr.split('\n').length }, stderr).toEqual({ code: 2, stdout: '', lines: 2 })
  expect(stderr).toContain(names)
  expect(stderr).toMatch(remedy)
  expect(stderr).toMatch(/\.\n$|openssl rand -hex 32\n$/)
  expect(stderr).not.toMatch(/\bat .*:\d+:\d+|Error:|[{}]/)
}

const call = (url: string, key: string, request = '/v1/projects/default/keys', body?: object) =>
  fetch(`${url}${request}`, {
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
  })

describe('a start that cannot work', () => {
  let workplace: Workplace
  beforeAll(() => {
    workplace = openWorkplace()
  })
  afterAll(() => workplace.clear())
  const runServer = (environment: Record<string, string>) => workplace.run('main/main.ts', environment).ended()

  it('for a setting that there is none of', async () => {
    expectRefusal(await runServer({ KEYTURN_PROT: '4500' }), 'KEYTURN_PROT', /unset it, or use one of/)
    expect(existsSync(workplace.dataDir)).toBe(false)
  })

  it('for a data directory that cannot be written to', async () => {
    const file = path.join(workplace.directory, 'a-file')
    writeFileSync(file, '')
    for (const dataDir of [file, path.join(file, 'below')]) {
      expectRefusal(await runServer({ KEYTURN_DATA_DIR: dataDir }), 'KEYTURN_DATA_DIR', /name another directory/)
    }
  })

  it('for a database without its master key', async () => {
    const ended = await runServer({ DATABASE_URL: inject('postgresUrl') })
    expectRefusal(ended, 'KEYTURN_MASTER_KEY', /openssl rand -hex 32/)
  })

  it('for a database that does not answer, and never tells its password', async () => {
    const wrong = new URL(inject('postgresUrl'))
    const port = await findFreePort()
    wrong.password = 'not-the-password'
    for (const [DATABASE_URL, reason] of [
      [`postgres://user:my-own-secret@127.0.0.1:${port}/keyturn`, /ECONNREFUSED/],
      ['postgres://user:my-own-secret@nowhere.invalid/keyturn', /ENOTFOUND|EAI_AGAIN/],
      [wrong.href, /28P01/],
      [new URL('/no_such_database', inject('postgresUrl')).href, /3D000/],
      ['postgres://user:my-own-secret@127.0.0.1:99999/keyturn', /URL/],
    ] as const) {
      const ended = await runServer({ DATABASE_URL, KEYTURN_MASTER_KEY: masterKey })
      expectRefusal(ended, 'DATABASE_URL', /check the address, the password, and that it runs/)
      expect(ended.stderr).toMatch(reason)
      expect(ended.stderr).not.toMatch(/my-own-secret|not-the-password/)
    }
  })

  it('for a database that a newer version has worked on, and leaves it as it is', async () => {
    const { url, drop } = await createPostgresDatabase()
    const client = new pg.Client(url)
    await client.connect()
    try {
      await client.query(`insert into kysely_migration (name, timestamp) values ('9999-from-the-future', 'now')`)
      const ended = await runServer({ DATABASE_URL: url, KEYTURN_MASTER_KEY: masterKey })
      expectRefusal(ended, 'DATABASE_URL', /9999-from-the-future; start the version that made it/)
      expect((await client.query('select * from installation')).rows).toEqual([])
    } finally {
      await client.end()
      await drop()
    }
  })

  it('for a database that was made with another master key, and leaves it as it is', async () => {
    const { url, drop } = await createPostgresDatabase()
    try {
      const first = await workplace.start({ DATABASE_URL: url, KEYTURN_MASTER_KEY: masterKey })
      first.process.kill('SIGTERM')
      expect((await first.process.ended()).code).toBe(0)
      const ended = await runServer({ DATABASE_URL: url, KEYTURN_MASTER_KEY: masterKey.replace('a', 'b') })
      expectRefusal(ended, 'KEYTURN_MASTER_KEY', /set the former one/)
      const again = await workplace.start({ DATABASE_URL: url, KEYTURN_MASTER_KEY: masterKey })
      expect((await call(again.url, readKey(workplace))).status).toBe(200)
      again.process.kill('SIGTERM')
      expect((await again.process.ended()).code).toBe(0)
    } finally {
      await drop()
    }
  })
})

describe('a server with the embedded database', () => {
  let workplace: Workplace
  let server: Awaited<ReturnType<Workplace['start']>>
  beforeAll(async () => {
    workplace = openWorkplace()
    server = await workplace.start()
  })
  afterAll(() => workplace.clear())
  const runServer = (environment: Record<string, string> = {}) => workplace.run('main/main.ts', environment).ended()

  async function stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    server.process.kill(signal)
    return server.process.ended()
  }

  it('says where it is, where its data are, and how to call it; nothing on standard error', async () => {
    const file = path.join(workplace.dataDir, 'root-key')
    expect(server.process.stdout).toMatch(/Open +http:\/\/localhost:\d+\n/)
    expect(server.process.stdout).toContain(path.join(workplace.dataDir, 'postgres'))
    expect(server.process.stdout).toContain(`the root key is in ${file} (made just now)`)
    expect(server.process.stdout).toContain(`curl -H "Authorization: Bearer $(cat ${file})"`)
    expect(server.process.stderr).toBe('')
    expect((await call(server.url, readKey(workplace))).status).toBe(200)
  })

  it('keeps its keys for itself: files and directory are this user’s alone, and no value is printed to a pipe', () => {
    expect(modeOf(workplace.dataDir)).toBe('700')
    for (const name of ['root-key', 'master-key']) {
      const file = path.join(workplace.dataDir, name)
      expect([name, modeOf(file)]).toEqual([name, '600'])
      const value = readFileSync(file, 'utf8').trim()
      expect(value.length).toBeGreaterThanOrEqual(40)
      expect(server.process.stdout + server.process.stderr).not.toContain(value)
    }
  })

  it('lets no other process onto its data: neither a server nor a command', async () => {
    expectRefusal(await runServer(), 'KEYTURN_DATA_DIR', /in use by another Keyturn process; stop that one/)
    const command = await workplace.run('main/root-key.ts', {}, ['--new']).ended()
    expectRefusal(command, 'KEYTURN_DATA_DIR', /in use by another Keyturn process; stop that one/)
    expect((await call(server.url, readKey(workplace))).status).toBe(200)
  })

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'answers what is under way when %s comes, takes nothing new, and ends with 0',
    async (signal) => {
      const key = readKey(workplace)
      const { port } = new URL(server.url)
      const body = JSON.stringify({ name: `Made while ${signal} came` })
      const socket = connect(Number(port), '127.0.0.1')
      let answer = ''
      socket.setEncoding('utf8').on('data', (text) => {
        answer += String(text)
      })
      socket.write(
        `POST /v1/projects/default/keys HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${key}\r\n` +
          `Content-Type: application/json\r\nContent-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n`,
      )
      await expect.poll(() => answer, { timeout: 10_000 }).toContain('100 Continue')
      const idle = connect(Number(port), '127.0.0.1')
      await once(idle, 'connect')

      server.process.kill(signal)
      await server.process.says(new RegExp(`${signal}: Keyturn is stopping`))
      await expect.poll(() => isRefused(Number(port)), { timeout: 10_000 }).toBe(true)
      const closed = once(socket, 'close')
      socket.write(body)
      await closed
      expect(answer).toContain('HTTP/1.1 201 Created')
      idle.destroy()
      const ended = await server.process.ended()
      expect(ended).toMatchObject({ code: 0, signal: null })
      expect(ended.stderr).not.toMatch(/"level":"(?:warn|error|fatal)"/)

      server = await workplace.start()
      expect(server.process.stdout).not.toContain('made just now')
      const list = await (await call(server.url, key, '/v1/projects/default/keys?q=made+while')).text()
      expect(list).toContain(`Made while ${signal} came`)
    },
  )

  it('that hangs while it stops is ended by a second signal', async () => {
    const { port } = new URL(server.url)
    const socket = await holdRequestOpen(Number(port), readKey(workplace))
    server.process.kill('SIGINT')
    await server.process.says(/SIGINT: Keyturn is stopping/)
    server.process.kill('SIGINT')
    expect((await server.process.ended()).code).toBe(1)
    socket.destroy()
    server = await workplace.start()
  })

  it('replaces a lost root key, and the lost one ends', async () => {
    const old = readKey(workplace)
    await stop()
    rmSync(path.join(workplace.dataDir, 'root-key'))
    const where = await workplace.run('main/root-key.ts').ended()
    expect(where).toMatchObject({ code: 0, stdout: expect.stringContaining('There is no file'), stderr: '' })
    const replaced = await workplace.run('main/root-key.ts', {}, ['--new']).ended()
    expect(replaced).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('The former one has ended.'),
      stderr: '',
    })
    const fresh = readKey(workplace)
    expect(modeOf(path.join(workplace.dataDir, 'root-key'))).toBe('600')
    expect(replaced.stdout).not.toContain(fresh)
    server = await workplace.start()
    expect((await call(server.url, old)).status).toBe(401)
    expect((await call(server.url, fresh)).status).toBe(200)
    const events = await (await call(server.url, fresh, '/v1/audit-events?action=root_key.replaced')).json()
    expect(events).toMatchObject({ data: [{ actor: { type: 'system' } }] })
  })

  it('takes KEYTURN_ROOT_KEY in only while there is none, and says so', async () => {
    const kept = readKey(workplace)
    await stop()
    const other = 'another-root-key-of-at-least-32-characters'
    server = await workplace.start({ KEYTURN_ROOT_KEY: other })
    expect(server.process.stdout).toContain('KEYTURN_ROOT_KEY is not the root key of this installation')
    expect(server.process.stdout).not.toContain(other)
    expect((await call(server.url, other)).status).toBe(401)
    expect((await call(server.url, kept)).status).toBe(200)
  })

  it('does not start where its port is taken', async () => {
    await stop()
    const neighbour = createServer().listen(0, '127.0.0.1')
    await once(neighbour, 'listening')
    const { port } = neighbour.address() as { port: number }
    const ended = await runServer({ KEYTURN_PORT: String(port) })
    neighbour.close()
    expectRefusal(ended, `KEYTURN_PORT ${port}`, /taken by another program; stop that one/)
  })

  it('does not start with another master key', async () => {
    await stop()
    const ended = await runServer({ KEYTURN_MASTER_KEY: masterKey })
    expectRefusal(ended, 'KEYTURN_MASTER_KEY', /restore the file master-key/)
  })

  it('does not start when the file of its master key is gone or damaged, and starts when it is back', async () => {
    await stop()
    const file = path.join(workplace.dataDir, 'master-key')
    const value = readFileSync(file, 'utf8')
    rmSync(file)
    expectRefusal(await runServer(), 'KEYTURN_MASTER_KEY', /restore the file/)
    expect(existsSync(file)).toBe(false)
    writeFileSync(file, 'not a key')
    expectRefusal(await runServer(), file, /32 bytes/)
    writeFileSync(file, value, { mode: 0o600 })
    server = await workplace.start()
    expect((await call(server.url, readKey(workplace))).status).toBe(200)
  })
})

describe('the command root-key', () => {
  let workplace: Workplace
  beforeAll(() => {
    workplace = openWorkplace()
  })
  afterAll(() => workplace.clear())

  it('refuses arguments that it does not know, with those that it does', async () => {
    for (const argument of ['--old', 'new']) {
      const { code, stdout, stderr } = await workplace.run('main/root-key.ts', {}, [argument]).ended()
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toMatch(/^Usage: npm run root-key/)
    }
  })

  it('with PostgreSQL works beside a running server: the former root key is refused by the very next call', async () => {
    const { url: DATABASE_URL, drop } = await createPostgresDatabase()
    const environment = { DATABASE_URL, KEYTURN_MASTER_KEY: masterKey }
    try {
      const { url, process: server } = await workplace.start(environment)
      const old = readKey(workplace)
      expect((await call(url, old)).status).toBe(200)
      expect((await workplace.run('main/root-key.ts', environment, ['--new']).ended()).code).toBe(0)
      expect((await call(url, old)).status).toBe(401)
      expect((await call(url, readKey(workplace))).status).toBe(200)
      server.kill('SIGTERM')
      expect((await server.ended()).code).toBe(0)
    } finally {
      await drop()
    }
  })
})

async function isRefused(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return false
  } catch {
    return true
  } finally {
    socket.destroy()
  }
}

/** A request whose body never comes. */
async function holdRequestOpen(port: number, key: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(
    `POST /v1/projects/default/keys HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${key}\r\n` +
      'Content-Type: application/json\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n',
  )
  await once(socket, 'data')
  return socket
}
