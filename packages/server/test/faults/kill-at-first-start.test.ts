import { randomBytes } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createPostgresDatabase } from '../support/engines.ts'
import { openWorkplace, type Workplace } from '../support/processes.ts'
import { pause, send } from './calls.ts'

/** About as long as a first start takes: the moments of the kills are spread over it. */
const firstStartMs = 4_000
const chains = 2
const killsEach = 2

describe.each(['PGlite', 'PostgreSQL'] as const)('kill -9 during the very first start, on %s', (name) => {
  const places: { workplace: Workplace; drop: () => Promise<void> }[] = []
  afterEach(async () => {
    for (const { workplace, drop } of places.splice(0)) {
      await workplace.clear()
      await drop()
    }
  })

  async function prepare(): Promise<{ workplace: Workplace; environment: Record<string, string> }> {
    const place = { workplace: openWorkplace(), drop: async () => {} }
    places.push(place)
    if (name === 'PGlite') return { ...place, environment: {} }
    const { url, drop } = await createPostgresDatabase({ empty: true })
    place.drop = drop
    const environment = { DATABASE_URL: url, KEYTURN_MASTER_KEY: randomBytes(32).toString('hex') }
    return { ...place, environment }
  }

  it('is made good by the next start: one organization, one root key, and that one is in the file', async () => {
    await Promise.all(
      Array.from({ length: chains }, async (_, chain) => {
        const { workplace, environment } = await prepare()
        // The second kill finds what the first one left.
        for (let kill = 0; kill < killsEach; kill++) {
          const victim = workplace.run('main/main.ts', environment)
          const moment = ((chain + chains * kill + Math.random()) * firstStartMs) / (chains * killsEach)
          const ended = await Promise.race([pause(moment), victim.ended()])
          expect(ended).toBeUndefined()
          victim.kill('SIGKILL')
          await victim.ended()
        }

        const { url, process } = await workplace.start(environment)
        const file = (base: string) => path.join(workplace.dataDir, base)
        const rootKey = (await readFile(file('root-key'), 'utf8')).trim()
        expect(rootKey).toMatch(/^kt_root_[0-9A-Za-z]{40}$/)
        for (const base of ['root-key', ...(name === 'PGlite' ? ['master-key'] : [])])
          expect((await stat(file(base))).mode & 0o777).toBe(0o600)
        expect((await send(url, rootKey, 'GET', '/v1/organizations')).body.data).toMatchObject([{ slug: 'default' }])
        const { body } = await send(url, rootKey, 'POST', '/v1/projects/default/keys', { name: 'The first key' })
        expect((await send(url, rootKey, 'POST', '/v1/verify', { key: body.secret.value })).body.code).toBe('VALID')
        for (const chain of ['/v1/audit-events', '/v1/organizations/default/audit-events'])
          expect((await send(url, rootKey, 'GET', `${chain}/verification`)).body.intact).toBe(true)
        process.kill('SIGTERM')
        expect(await process.ended()).toMatchObject({ code: 0, signal: null })
        expect(await readdir(workplace.dataDir)).not.toContain('postgres.unfinished')
      }),
    )
  }, 180_000)
})
