import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import pg from 'pg'
import { describe, expect, test, vi } from 'vitest'
import { startPostgres } from './postgres-server.ts'

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  // A server that stops says so to its idle clients; unheard, that would end the process.
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

const show = (name: string) => `select current_setting('${name}') as value`

describe.each([15, 18] as const)('PostgreSQL %i', (version) => {
  test('runs with the locale of PGlite, and with the settings asked for', async () => {
    const server = await startPostgres({ version, settings: { work_mem: '5MB' } })
    try {
      const [major] = await query(server.url, 'select current_setting($$server_version_num$$)::int / 10000 as value')
      expect(major).toEqual({ value: version })
      const [locale] = await query(
        server.url,
        `select datcollate, lower('Ä') from pg_database where datname = 'postgres'`,
      )
      expect(locale).toEqual({ datcollate: 'C', lower: 'ä' })
      for (const [name, value] of Object.entries({
        work_mem: '5MB',
        TimeZone: 'UTC',
        fsync: 'on',
        max_connections: '300',
      }))
        expect(await query(server.url, show(name))).toEqual([{ value }])
    } finally {
      await server.stop()
    }
  })

  test('comes back on its port after a stop and after a crash, with what was committed', async () => {
    const server = await startPostgres({ version })
    try {
      await query(server.url, 'create table kept as select 1 as one')
      const firstPid = server.pid
      await server.restart('immediate')
      expect(server.pid).not.toBe(firstPid)
      expect(await query(server.url, 'select one from kept')).toEqual([{ one: 1 }])
      await server.restart()
      expect(await query(server.url, 'select one from kept')).toEqual([{ one: 1 }])
    } finally {
      await server.stop()
    }
    await expect(query(server.url, 'select 1')).rejects.toThrow('ECONNREFUSED')
  })
})

test('nothing outlives a process that is killed', async () => {
  const script = `
    import { startPostgres } from '${new URL('./postgres-server.ts', import.meta.url).href}'
    console.log((await startPostgres()).url)
  `
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
  const url = line.trim()
  const [directory] = await query(url, show('data_directory'))
  child.kill('SIGKILL')
  await vi.waitFor(
    async () => {
      await expect(query(url, 'select 1')).rejects.toThrow('ECONNREFUSED')
      expect(existsSync(String(directory?.['value']))).toBe(false)
    },
    { timeout: 20_000, interval: 50 },
  )
})
