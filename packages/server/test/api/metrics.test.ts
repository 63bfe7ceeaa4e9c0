import { verdictCodes } from '@keyturn/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anEngine } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'

describe.each(anEngine('PostgreSQL'))('GET /metrics, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())

  const scrape = () => keyturn.request('GET', '/metrics', { key: null })
  /** By name and labels, as they stand in the text. */
  const values = async () => {
    const lines = (await scrape()).text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    return Object.fromEntries(
      lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]),
    )
  }
  /** What has been added by some work. */
  const added = async (work: () => Promise<unknown>) => {
    const before = await values()
    await work()
    const after = await values()
    return (name: string) => (after[name] ?? Number.NaN) - (before[name] ?? 0)
  }

  it('needs no key, is text that Prometheus reads, and is in no log', async () => {
    const { status, headers, text } = await scrape()
    expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
    for (const line of text.split('\n').filter((each) => each !== ''))
      expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="[^"]*",?)+\})? (-?[\d.e+-]+|Nan|[+-]Inf))$/)
    expect(keyturn.log.join('')).not.toContain('/metrics')
  })

  it('counts draws of quotas, of which one serves many calls, and says of Redis nothing where none is set', async () => {
    const { secret } = await keyturn.createKey('default', { quota: { limit: 640, refill: 'daily' } })
    const more = await added(async () => {
      for (let call = 0; call < 10; call++) await keyturn.verify(secret.value)
    })
    expect([more('keyturn_quota_draws_total'), more('keyturn_quota_draw_failures_total')]).toEqual([1, 0])
    expect(Object.keys(await values()).filter((name) => /redis|rate_limit/.test(name))).toEqual([])
  })

  it('counts verdicts by code and by where they were asked for', async () => {
    const { key, secret } = await keyturn.createKey('default', { scopes: ['read'] })
    const proxy = { 'x-api-key': secret.value, 'x-keyturn-management-key': keyturn.rootKey }
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const more = await added(async () => {
      for (let count = 0; count < 3; count++) await keyturn.verify(secret.value)
      await keyturn.verify(secret.value, { scopes: ['write'] })
      const raw = JSON.stringify({ key: secret.value })
      await keyturn.request('POST', '/v1/verify', {
        raw,
        headers: { 'content-type': 'application/json; charset=utf-8' },
      })
      await keyturn.verify('"quoted"')
      await keyturn.request('GET', '/v1/authorize', { key: null, headers: proxy })
      await keyturn.request('GET', '/v1/authorize?scopes=write', { key: null, headers: proxy })
      await keyturn.request('GET', '/v1/authorize?scope=write', { key: null, headers: proxy })
      await keyturn.request('GET', '/v1/authorize', { key: null, headers: { 'x-api-key': secret.value } })
      await keyturn.request('POST', '/oauth/introspect', { raw: `token=${secret.value}`, headers: form })
      await keyturn.request('POST', `/v1/keys/${key.id}/revoke`, { body: {} })
      await keyturn.verify(secret.value)
    })
    const verdicts = (path: string, code: string) => more(`keyturn_verdicts_total{path="${path}",code="${code}"}`)
    expect(verdictCodes.map((code) => verdicts('verify', code))).toEqual(
      verdictCodes.map((code) => ({ VALID: 4, INSUFFICIENT_SCOPE: 1, MALFORMED: 1, REVOKED: 1 })[code as string] ?? 0),
    )
    expect([verdicts('authorize', 'VALID'), verdicts('authorize', 'INSUFFICIENT_SCOPE')]).toEqual([1, 1])
    expect(verdicts('introspect', 'VALID')).toBe(1)
    expect(more('keyturn_authorize_failures_total')).toBe(2)
  })

  it('shows what is in memory, and how often it helped', async () => {
    const { secret } = await keyturn.createKey('default')
    await keyturn.verify(secret.value)
    const known = await values()
    expect(known['keyturn_cache_records']).toBeGreaterThanOrEqual(2)
    const more = await added(async () => {
      for (let count = 0; count < 10; count++) await keyturn.verify(secret.value)
      await keyturn.verify('somebody else has given this one away')
    })
    expect(more('keyturn_cache_hits_total')).toBeGreaterThanOrEqual(10)
    expect(more('keyturn_cache_lookups_total')).toBeGreaterThan(more('keyturn_cache_hits_total'))
    expect(more('keyturn_cache_misses')).toBe(1)
  })

  it('shows how true this node is kept', async () => {
    const begun = await values()
    const { key } = await keyturn.createKey('default')
    const more = await added(() =>
      keyturn.request('POST', `/v1/keys/${key.id}/revoke`, { body: { wait: 'propagated' } }),
    )
    const now = await values()
    expect(now['keyturn_feed_applied_sequence']).toBe((begun['keyturn_feed_applied_sequence'] ?? 0) + 2)
    expect(now['keyturn_feed_head_sequence']).toBe(now['keyturn_feed_applied_sequence'])
    expect(now['keyturn_feed_lag']).toBe(0)
    expect(now['keyturn_lease_remaining_seconds']).toBeGreaterThan(50)
    expect(now['keyturn_lease_remaining_seconds']).toBeLessThanOrEqual(60)
    expect(more('keyturn_feed_looks_total')).toBeGreaterThanOrEqual(1)
    expect([more('keyturn_propagation_waits_total'), more('keyturn_propagation_wait_timeouts_total')]).toEqual([1, 0])
    expect([now['keyturn_feed_look_failures_total'], now['keyturn_use_flush_failures_total']]).toEqual([0, 0])
    expect(now['process_resident_memory_bytes']).toBeGreaterThan(1e7)
  })

  it('holds no value, id or name of anything, and no label whose values have no end', async () => {
    const organization = await keyturn.createOrganization()
    const project = await keyturn.createProject(organization.id)
    const { key, secret } = await keyturn.createKey(project.id, { name: 'Acme, production', scopes: ['orders:read'] })
    await keyturn.verify(secret.value)
    await keyturn.request('GET', '/v1/authorize?project=x', {
      key: null,
      headers: { 'x-api-key': secret.value, 'x-keyturn-management-key': keyturn.rootKey },
    })
    const { text } = await scrape()
    for (const said of [
      organization.id,
      organization.name,
      project.id,
      key.id,
      key.name,
      secret.id,
      secret.value,
      'orders:read',
      keyturn.rootKey,
    ])
      expect(text).not.toContain(said)
    const labels = new Set([...text.matchAll(/[{,](\w+)="/g)].map(([, label]) => label))
    const bounded = [
      'window',
      'source',
      'in_use',
      'outcome',
      'version',
      'path',
      'code',
      'type',
      'kind',
      'space',
      'le',
      'quantile',
      'major',
      'minor',
      'patch',
    ]
    expect([...labels].filter((label) => !bounded.includes(label ?? ''))).toEqual([])
  })
})
