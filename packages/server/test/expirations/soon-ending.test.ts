import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SoonEndings } from '../../src/expirations/soon-ending.ts'
import { engines } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'

const day = 86_400

describe.each(engines)('what ends soon, in numbers, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())

  it('is counted by window over all organizations, each secret and tracked credential, once a minute', async () => {
    const [one, other] = [await keyturn.createOrganization(), await keyturn.createOrganization()]
    const project = await keyturn.createProject(one.id)
    await keyturn.createKey(project.id, { expires_in: day / 2 })
    await keyturn.createKey((await keyturn.createProject(other.id)).id, { expires_in: 5 * day })
    await keyturn.createManagementKey(other.id, { expires_in: 6 * day })
    const { key } = await keyturn.createKey(project.id, { expires_in: 200 * day })
    await keyturn.request('POST', `/v1/keys/${key.id}/rotate`, { body: { overlap: 20 * day, expires_in: 25 * day } })
    const revoked = await keyturn.createKey(project.id, { expires_in: day })
    await keyturn.request('POST', `/v1/keys/${revoked.key.id}/revoke`)
    await keyturn.request('POST', `/v1/organizations/${one.id}/tracked-credentials`, {
      body: { name: 'Certificate', expires_at: new Date(keyturn.clock.now() + 3000 * day).toISOString() },
    })
    const count = async () => {
      const { text } = await keyturn.request('GET', '/metrics', { key: null })
      return Object.fromEntries(
        [...text.matchAll(/^keyturn_expirations\{window="(\w+)",source="(\w+)",in_use="(\w+)"\} (\d+)$/gm)].map(
          ([, window, source, inUse, found]) => [`${window} ${source} ${inUse}`, Number(found)],
        ),
      )
    }
    const expected = {
      '1d key true': 0,
      '1d key false': 1,
      '1d tracked_credential unknown': 0,
      '7d key true': 0,
      '7d key false': 3,
      '7d tracked_credential unknown': 1,
      '30d key true': 0,
      '30d key false': 5,
      '30d tracked_credential unknown': 1,
    }
    expect(await count()).toEqual(expected)
    await keyturn.createKey(project.id, { expires_in: day / 2 })
    expect(await count()).toEqual(expected)
  })

  it('is asked for again after a minute, and stays as it was where the database cannot be asked', async () => {
    let [monotonic, asked, fails] = [0, 0, false]
    const ground = {
      ...keyturn.ground,
      now: (reader: typeof keyturn.ground.reader) => {
        asked++
        return fails ? Promise.reject(new Error('the database is away')) : keyturn.ground.now(reader)
      },
    }
    const endings = new SoonEndings(ground, {
      wallTime: () => 0,
      monotonic: () => monotonic,
      databaseTime: (time) => time,
    })
    const first = await endings.read()
    expect(first.length).toBeGreaterThan(0)
    await Promise.all(Array.from({ length: 5 }, () => endings.read()))
    expect(asked).toBe(1)
    fails = true
    monotonic = 60_000
    expect(await endings.read()).toEqual(first)
    expect(asked).toBe(2)
  })
})
