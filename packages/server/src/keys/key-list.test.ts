import type { KeyKind, KeyStatus } from '@keyturn/contract'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../test/support/engines.ts'
import { type Answer, type Keyturn, openKeyturn } from '../../test/support/keyturn.ts'
import { newId } from '../kernel/ids.ts'
import { formatTime, type Instant, never } from '../kernel/instant.ts'
import { randomOctets } from '../kernel/random.ts'
import { UseCollector } from '../usage/use-collector.ts'
import type { Key, KeyState, SecretRecord } from './key.ts'
import { insertKey, insertSecret } from './key-store.ts'
import { searchLexemes } from './search-words.ts'

const hour = 3_600_000
const day = 24 * hour

const states: KeyState[] = ['active', 'disabled', 'revoked', 'deleted']
const kinds: KeyKind[] = ['secret', 'publishable']
const owners = ['anna@example.com', 'ben@example.com', null]
/** As people write it, and as it is compared. */
const names = [
  ['Zapier', 'zapier'],
  ['ZÁPIER two', 'zapier two'],
  ['billing export', 'billing export'],
  ['Ärzte-Portal', 'arzte-portal'],
  ['_under_score', '_under_score'],
  ['東京', '東京'],
  ['Éclair', 'eclair'],
] as const

/** One key as the test knows it. Distances are in hours from the start, never whole days: no filter is ever in doubt. */
interface Known {
  readonly id: string
  readonly project: number
  readonly kind: KeyKind
  readonly owner: string | null
  readonly name: readonly [string, string]
  readonly purpose: string
  readonly state: KeyState
  readonly ends: readonly Instant[]
  readonly createdAt: Instant
  readonly lastUsedAt: Instant
  readonly lastRefusedAt: Instant
}

const hint = 'kt_live_AbCd…WxYz'

describe.each(engines)('the list of keys, on $name', (engine) => {
  let keyturn: Keyturn
  let organizationId: string
  let projectIds: string[]
  let start: Instant
  let ahead = 0
  let known: Known[]

  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    organizationId = (await keyturn.createOrganization()).id
    projectIds = []
    for (const name of ['One', 'Two', 'Three'])
      projectIds.push((await keyturn.createProject(organizationId, { name })).id)
    // The legacy keys are keys like any other; these tests bring their own.
    for (const table of ['key_activity', 'keys'])
      await sql`update ${sql.table(table)} set state = 'deleted' ${table === 'keys' ? sql`, legacy = false` : sql``}
        where organization_id = ${organizationId}`.execute(keyturn.database.reader)
    start = await keyturn.ground.now(keyturn.ground.reader)
    known = fc.sample(anyKey(start), { numRuns: 300, seed: 20_270_101 })
    await insertAll(known)
  })
  afterAll(() => keyturn.stop())

  async function insertAll(keys: readonly Known[]): Promise<void> {
    const uses = new UseCollector(keyturn.database)
    await keyturn.database.transaction(async (tx) => {
      for (const one of keys) {
        const actor = { type: 'system', id: null, name: 'Test' } as const
        const key: Key = {
          id: one.id,
          organizationId,
          projectId: projectIds[one.project] ?? '',
          management: null,
          kind: one.kind,
          environment: 'live',
          name: one.name[0],
          purpose: one.purpose,
          owner: one.owner,
          contact: null,
          scopes: [],
          allowedIps: [],
          metadata: {},
          rateLimit: null,
          quota: null,
          state: one.state,
          legacy: false,
          firstEndAt: Math.min(...one.ends),
          lastEndAt: Math.max(...one.ends),
          createdAt: one.createdAt,
          createdBy: actor,
          lastAction: { action: 'key.created', actor, at: one.createdAt },
          reviewedAt: null,
          revokedReason: null,
        }
        await insertKey(tx, organizationId, key, searchLexemes(organizationId, { ...key, hints: [hint] }))
        for (const [at, expiresAt] of one.ends.entries()) {
          const secret: SecretRecord = {
            id: newId('secret', one.createdAt),
            keyId: one.id,
            slot: at === 0 ? 'primary' : 'secondary',
            hint,
            value: null,
            createdAt: one.createdAt,
            expiresAt,
            retiresAt: null,
            overlapStartedAt: null,
            endedAt: null,
            endedBy: null,
          }
          await insertSecret(tx, organizationId, secret, randomOctets(32))
          if (one.lastUsedAt !== -never) uses.note(one.id, secret.id, 'VALID', one.lastUsedAt, null, null)
          if (one.lastRefusedAt !== -never) uses.note(one.id, secret.id, 'EXPIRED', one.lastRefusedAt, null, null)
        }
      }
    })
    await uses.flush()
  }

  const now = () => start + ahead

  const lastEnd = (key: Known) => Math.max(...key.ends)
  const statusOf = (key: Known): KeyStatus | null => {
    if (key.state === 'deleted') return null
    return key.state === 'active' ? (lastEnd(key) <= now() ? 'expired' : 'active') : key.state
  }
  const nextExpiry = (key: Known) =>
    Math.min(...key.ends.filter((end) => end > now()), ...(lastEnd(key) <= now() ? [lastEnd(key)] : []))

  interface Query {
    status?: KeyStatus[]
    kind?: KeyKind[]
    owner?: string
    q?: string
    /** Hours from now, and whether they are written as a time or as a distance. */
    expires_before?: number
    expires_after?: number
    unused_since?: number
    refused_since?: number
    asTimes: boolean
    sort: string
    limit: number
    project: number | null
  }

  /** Written anew, without a look at the SQL: what is to be listed, in its order. */
  function expected(query: Query, reach: readonly number[] = [0, 1, 2]): string[] {
    const wanted = query.status ?? ['active', 'disabled', 'expired']
    const found = known.filter((key) => {
      const status = statusOf(key)
      return (
        status !== null &&
        wanted.includes(status) &&
        (query.project === null ? reach.includes(key.project) : key.project === query.project) &&
        (query.kind === undefined || query.kind.includes(key.kind)) &&
        (query.owner === undefined || key.owner === query.owner) &&
        (query.q === undefined || isFound(key, query.q)) &&
        (query.expires_before === undefined || nextExpiry(key) < now() + query.expires_before * hour) &&
        (query.expires_after === undefined || nextExpiry(key) > now() + query.expires_after * hour) &&
        (query.unused_since === undefined || key.lastUsedAt < now() - query.unused_since * hour) &&
        (query.refused_since === undefined || key.lastRefusedAt >= now() - query.refused_since * hour)
      )
    })
    const isEnded = (key: Known) => Number(lastEnd(key) <= now())
    const compare = {
      next_expiry_at: (a: Known, b: Known) => isEnded(a) - isEnded(b) || order(nextExpiry(a), nextExpiry(b)),
      created_at: (a: Known, b: Known) => order(a.createdAt, b.createdAt),
      last_used_at: (a: Known, b: Known) => order(a.lastUsedAt, b.lastUsedAt),
      name: (a: Known, b: Known) => Buffer.compare(Buffer.from(a.name[1]), Buffer.from(b.name[1])),
    }[query.sort.replace('-', '')]
    if (!compare) throw new Error(query.sort)
    const sorted = found.sort((a, b) => compare(a, b) || (a.id < b.id ? -1 : 1))
    return (query.sort.startsWith('-') ? sorted.reverse() : sorted).map((key) => key.id)
  }

  function isFound(key: Known, q: string): boolean {
    const text = `${key.name[1]} ${key.purpose} ${key.owner ?? ''}`
    const words = text.toLowerCase().split(/[^\p{L}\p{N}]+/u)
    const typed = q.toLowerCase().normalize('NFKD').replace(/\p{M}/gu, '').split(/[ ,]+/)
    const whole = [key.id, hint.toLowerCase().replace('…', '...'), 'wxyz', key.owner ?? '']
    return typed.every((one) => [...words, ...whole].some((word) => word.startsWith(one)))
  }

  function pathOf(query: Query, cursor: string | null): string {
    const at = (hours: number | undefined, direction: 1 | -1) => {
      if (hours === undefined) return undefined
      return query.asTimes ? formatTime(now() + direction * hours * hour) : `${hours}h`
    }
    const given = {
      status: query.status?.join(),
      kind: query.kind?.join(),
      owner: query.owner,
      q: query.q,
      expires_before: at(query.expires_before, 1),
      expires_after: at(query.expires_after, 1),
      unused_since: at(query.unused_since, -1),
      refused_since: at(query.refused_since, -1),
      sort: query.sort,
      limit: String(query.limit),
      cursor: cursor ?? undefined,
    }
    const parameters = new URLSearchParams()
    for (const [name, value] of Object.entries(given)) if (value !== undefined) parameters.set(name, value)
    const scope = query.project === null ? `organizations/${organizationId}` : `projects/${projectIds[query.project]}`
    return `/v1/${scope}/keys?${parameters.toString()}`
  }

  async function listed(query: Query, key?: string): Promise<string[]> {
    const ids: string[] = []
    let cursor: string | null = null
    do {
      const path = pathOf(query, cursor)
      const answer: Answer = await keyturn.request('GET', path, key === undefined ? {} : { key })
      const { status, text, body } = answer
      if (status !== 200) throw new Error(`${path} gave ${status}: ${text}`)
      expect(body.data.length).toBeLessThanOrEqual(query.limit)
      if (body.next_cursor !== null) expect(body.data).toHaveLength(query.limit)
      ids.push(...body.data.map((one: { id: string }) => one.id))
      cursor = body.next_cursor
    } while (cursor !== null)
    return ids
  }

  const sorts = ['next_expiry_at', 'created_at', 'last_used_at', 'name'].flatMap((sort) => [sort, `-${sort}`])
  const hours = fc.integer({ min: -60, max: 60 }).map((days) => days * 24)
  const anyQuery = fc.record(
    {
      status: fc.subarray<KeyStatus>(['active', 'disabled', 'expired', 'revoked'], { minLength: 1 }),
      kind: fc.subarray(kinds, { minLength: 1 }),
      owner: fc.constantFrom('anna@example.com', 'BEN@example.com'.toLowerCase(), 'nobody@example.com'),
      q: fc.constantFrom(
        'zap',
        'ZAPIER',
        'two',
        'inv',
        'zap inv',
        'anna',
        'ärz',
        'exp bill',
        'nothing',
        '東',
        'kt_live_ab',
        'wxyz',
        'key_0',
      ),
      expires_before: hours.filter((one) => one > 0),
      expires_after: hours.filter((one) => one > 0),
      unused_since: hours.filter((one) => one > 0),
      refused_since: hours.filter((one) => one > 0),
      asTimes: fc.boolean(),
      sort: fc.constantFrom(...sorts),
      limit: fc.constantFrom(7, 20, 50, 200),
      project: fc.constantFrom(null, null, 0, 1),
    },
    { requiredKeys: ['asTimes', 'sort', 'limit', 'project'] },
  )
  const all: Omit<Query, 'sort'> = {
    status: ['active', 'disabled', 'expired', 'revoked'],
    asTimes: false,
    limit: 23,
    project: null,
  }

  it.each(sorts)('sorted by %s is every key once, page after page, in that order', async (sort) => {
    const query = { ...all, sort }
    const ids = expected(query)
    expect(ids.length).toBeGreaterThan(200)
    expect(await listed(query)).toEqual(ids)
  })

  it('sorted and filtered in any way is what a walk over all keys gives, whatever the page', async () => {
    await fc.assert(
      fc.asyncProperty(anyQuery, async (query) => {
        expect(await listed(query)).toEqual(expected(query))
      }),
      { numRuns: 60 },
    )
  })

  it('filtered by one thing alone is what a walk over all keys gives', async () => {
    const filters: Partial<Query>[] = [
      ...(['active', 'disabled', 'expired', 'revoked'] as const).map((status) => ({ status: [status] })),
      { kind: ['publishable'] },
      { owner: 'anna@example.com' },
      { q: 'zapier inv' },
      { expires_before: 24 * 30 },
      { expires_after: 24 * 30 },
      { unused_since: 24 * 20 },
      { refused_since: 24 * 20 },
    ]
    for (const filter of filters) {
      const query = { ...all, sort: 'next_expiry_at', limit: 50, ...filter }
      const ids = expected(query)
      expect(ids.length, JSON.stringify(filter)).toBeGreaterThan(0)
      expect(await listed(query), JSON.stringify(filter)).toEqual(ids)
    }
  })

  it('is still right when time has passed: what was to come has ended', async () => {
    for (const days of [3, 10, 40]) {
      keyturn.clock.advance(days * day)
      ahead += days * day
      for (const sort of ['next_expiry_at', '-next_expiry_at', 'name']) {
        expect(await listed({ ...all, sort, limit: 50 })).toEqual(expected({ ...all, sort }))
      }
      expect(
        await listed({ asTimes: false, sort: 'next_expiry_at', limit: 200, project: 1, status: ['expired'] }),
      ).toEqual(expected({ asTimes: false, sort: 'next_expiry_at', limit: 200, project: 1, status: ['expired'] }))
    }
  })

  it('counts every status, whatever the filters', async () => {
    for (const [scope, project] of [
      [`organizations/${organizationId}`, null],
      [`projects/${projectIds[0]}`, 0],
    ] as const) {
      const { body } = await keyturn.request('GET', `/v1/${scope}/keys?limit=1&status=revoked&q=nothing`)
      const inScope = known.filter((key) => project === null || key.project === project)
      const count = (status: KeyStatus) => inScope.filter((key) => statusOf(key) === status).length
      expect(body.counts).toEqual({
        active: count('active'),
        disabled: count('disabled'),
        expired: count('expired'),
        revoked: count('revoked'),
      })
    }
  })

  it('of an organization shows a caller the keys of the projects within its reach, and counts no others', async () => {
    for (const reach of [[0], [0, 2]]) {
      const projects = reach.map((at) => projectIds[at])
      const { secret } = await keyturn.createManagementKey(organizationId, { scopes: ['keys:read'], projects })
      for (const query of [
        { ...all, sort: 'next_expiry_at' },
        { ...all, sort: '-last_used_at', kind: ['secret' as const] },
        { ...all, sort: 'name', q: 'zap' },
      ])
        expect(await listed(query, secret.value)).toEqual(expected(query, reach))
      const { body } = await keyturn.request('GET', `/v1/organizations/${organizationId}/keys?limit=1`, {
        key: secret.value,
      })
      const revoked = known.filter((key) => reach.includes(key.project) && key.state === 'revoked').length
      expect(body.counts.revoked).toBe(revoked)
    }
  })

  it('shows of each key what the key itself shows', async () => {
    const { body } = await keyturn.request('GET', `/v1/organizations/${organizationId}/keys?limit=5&sort=-created_at`)
    for (const key of body.data) expect((await keyturn.request('GET', `/v1/keys/${key.id}`)).body).toEqual(key)
  })

  it('as CSV has the same keys in the same order', async () => {
    for (const query of ['sort=name', 'status=revoked&sort=-created_at', 'q=zap']) {
      const { text } = await keyturn.request('GET', `/v1/organizations/${organizationId}/keys.csv?${query}`)
      const { body } = await keyturn.request('GET', `/v1/organizations/${organizationId}/keys?limit=200&${query}`)
      const ids = [...text.matchAll(/^(key_\w+),/gm)].map(([, id]) => id)
      expect(ids.slice(0, 200)).toEqual(body.data.map((key: { id: string }) => key.id))
    }
  })

  it('finds what is rare among very many, on every page, in every order', async () => {
    const project = (await keyturn.createProject(organizationId)).id
    const rare: string[] = []
    for (const days of [10, 20, 300, 301, 302, 303, 304])
      rare.push((await keyturn.createKey(project, { name: `Rare one ${days}`, expires_in: days * 86_400 })).key.id)
    const { key: common } = await keyturn.createKey(project, { name: 'Common', expires_in: 100 * 86_400 })
    for (const [table, id] of [
      ['keys', 'id'],
      ['key_activity', 'key_id'],
    ] as const)
      await sql`insert into ${sql.table(table)} select (jsonb_populate_record(t, jsonb_build_object(${id}::text, t.${sql.ref(id)} || '_' || n))).*
        from ${sql.table(table)} as t, generate_series(1, 4500) as n where t.${sql.ref(id)} = ${common.id}`.execute(
        keyturn.database.reader,
      )
    await sql`analyze keys`.execute(keyturn.database.reader)

    const list = async (query: string) => {
      const ids: string[] = []
      let cursor = ''
      do {
        const { body } = await keyturn.request('GET', `/v1/projects/${project}/keys?limit=3&${query}${cursor}`)
        ids.push(...body.data.map((key: { id: string }) => key.id))
        cursor = body.next_cursor === null ? '' : `&cursor=${body.next_cursor}`
      } while (cursor !== '')
      return ids
    }
    for (const sort of ['next_expiry_at', 'created_at']) {
      expect(await list(`q=rare&sort=${sort}`)).toEqual(rare)
      expect(await list(`q=rare&sort=-${sort}`)).toEqual([...rare].reverse())
    }
    expect(await list('q=one+rare+30&sort=name')).toEqual(rare.slice(2))
    expect(await list('q=rare+common')).toEqual([])
    const { body } = await keyturn.request('GET', `/v1/projects/${project}/keys?limit=1`)
    expect(body.counts.active).toBe(4500 + 1 + rare.length + 1)
  })
})

function anyKey(start: Instant): fc.Arbitrary<Known> {
  // Half past: never the same as a filter, which is in whole hours.
  const time = (fromDays: number, toDays: number) =>
    fc.integer({ min: fromDays * 24, max: toDays * 24 - 1 }).map((hours) => start + (hours + 0.5) * hour)
  const end = fc.oneof(
    { weight: 3, arbitrary: time(-40, 0) },
    { weight: 5, arbitrary: time(0, 90) },
    // Few different ones, so that there are ties.
    { weight: 2, arbitrary: fc.constantFrom(start + 12.5 * hour, start + 50.5 * hour, start - 20.5 * hour) },
    { weight: 1, arbitrary: fc.constant(never) },
  )
  return fc
    .record({
      project: fc.nat(2),
      kind: fc.constantFrom(...kinds),
      owner: fc.constantFrom(...owners),
      name: fc.constantFrom(...names),
      purpose: fc.constantFrom('', 'sends invoices', 'invoices and billing', 'unclear'),
      state: fc.constantFrom(...states, 'active' as const, 'active' as const, 'active' as const),
      ends: fc.oneof(fc.tuple(end), fc.tuple(end, end)),
      createdAt: fc.oneof(time(-400, -60), fc.constant(start - 100 * day)),
      lastUsedAt: fc.oneof({ weight: 2, arbitrary: time(-60, 0) }, fc.constant(-never)),
      lastRefusedAt: fc.oneof(time(-60, 0), { weight: 4, arbitrary: fc.constant(-never) }),
    })
    .map((key) => ({
      ...key,
      id: newId('key', key.createdAt),
      // The secrets of a revoked key have all ended, at the latest when it was revoked.
      ends: key.state === 'revoked' || key.state === 'deleted' ? [Math.min(...key.ends, start - 3.5 * hour)] : key.ends,
    }))
}

/** Of numbers that may both be infinite, whose difference is none. */
const order = (a: number, b: number) => (a === b ? 0 : a < b ? -1 : 1)
