import type { Key } from '@keyturn/contract'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../test/support/engines.ts'
import { type Keyturn, openKeyturn } from '../../test/support/keyturn.ts'
import { sha256 } from '../kernel/digest.ts'

const day = 86_400

describe.each(engines)('creating a key, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())

  /** A project that may have this many active keys; its legacy key is the first of them. */
  async function projectOf(maxActiveKeys: number): Promise<string> {
    const org = await keyturn.createOrganization()
    await keyturn.request('PATCH', `/v1/organizations/${org.id}`, {
      body: { policy: { max_active_keys: maxActiveKeys } },
    })
    return (await keyturn.createProject(org.id)).id
  }
  const create = (project: string, fields: object = {}) =>
    keyturn.request('POST', `/v1/projects/${project}/keys`, { body: { name: 'Integration', ...fields } })
  const counts = async (project: string) =>
    (await keyturn.request('GET', `/v1/projects/${project}/keys?limit=1`)).body.counts
  const refusal = { code: 'active_key_limit_reached' }

  it('51 times at once against a limit of 50 leaves exactly 50 active keys, the legacy key among them', async () => {
    const project = await projectOf(50)
    const answers = await Promise.all(
      Array.from({ length: 51 }, (_, at) => create(project, { name: `Integration ${at}` })),
    )
    const [made, refused] = [
      answers.filter(({ status }) => status === 201),
      answers.filter(({ status }) => status !== 201),
    ]
    expect([made.length, refused.length]).toEqual([49, 2])
    for (const { status, body } of refused) {
      expect([status, body]).toMatchObject([409, { ...refusal, limit: 50, active: 50 }])
      expect(body.detail).toMatch(/50 of 50/)
    }
    expect(await counts(project)).toEqual({ active: 50, disabled: 0, expired: 0, revoked: 0 })
    expect(new Set(made.map(({ body }) => body.secret.value)).size).toBe(49)
  })

  it('in two projects at once leaves each its own limit', async () => {
    const projects = [await projectOf(5), await projectOf(5)]
    const answers = await Promise.all(Array.from({ length: 16 }, (_, at) => create(projects[at % 2] ?? '')))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(8)
    for (const project of projects) expect((await counts(project)).active).toBe(5)
  })

  it('finds no place where a disabled key has one, and finds it where a key was revoked, deleted or expired', async () => {
    const project = await projectOf(4)
    const keys: Key[] = []
    for (const expires_in of [100 * day, 200 * day, 300 * day])
      keys.push((await create(project, { expires_in })).body.key)
    const [first, second, third] = keys.map(({ id }) => id)

    expect((await create(project)).body).toMatchObject({ ...refusal, limit: 4, active: 4 })
    await keyturn.request('POST', `/v1/keys/${first}/disable`)
    expect((await create(project)).body).toMatchObject(refusal)

    await keyturn.request('POST', `/v1/keys/${second}/revoke`)
    expect((await create(project, { expires_in: 300 * day })).status).toBe(201)
    expect((await create(project)).body).toMatchObject(refusal)

    await keyturn.request('DELETE', `/v1/keys/${third}?confirm=DELETE`)
    expect((await create(project, { expires_in: 300 * day })).status).toBe(201)
    expect((await create(project)).body).toMatchObject(refusal)

    keyturn.clock.advance(100 * day * 1000)
    expect((await create(project, { expires_in: 300 * day })).status).toBe(201)
    expect((await create(project)).body).toMatchObject(refusal)
  })

  it('follows a limit that is lowered below what is there, and takes no key away', async () => {
    const project = await projectOf(10)
    for (let at = 0; at < 5; at++) await create(project)
    await keyturn.request('PATCH', `/v1/projects/${project}`, { body: { policy: { max_active_keys: 3 } } })
    expect((await create(project)).body).toMatchObject({ ...refusal, limit: 3 })
    expect((await counts(project)).active).toBe(6)
  })

  it('needs a name alone; the rest comes from the policy and the organization', async () => {
    const org = await keyturn.createOrganization({ notification_email: 'Ops@Example.com' })
    const project = await keyturn.createProject(org.id)
    const { key, secret } = await keyturn.createKey(project.id, { name: 'Zapier' })
    expect(key).toMatchObject({
      kind: 'secret',
      environment: 'live',
      status: 'active',
      owner: 'ops@example.com',
      scopes: [],
      never_expires: false,
      warnings: [],
    })
    expect(Date.parse(key.expires_at ?? '') - Date.parse(key.created_at)).toBe(365 * day * 1000)
    expect(key.next_expiry_at).toBe(key.expires_at)
    expect(secret.value).toMatch(/^kt_live_[0-9A-Za-z]{38}$/)
  })

  it('keeps of a secret value its digest alone; a publishable one can be read again', async () => {
    const { key, secret } = await keyturn.createKey('default', { environment: 'test' })
    expect(secret.value).toMatch(/^kt_test_/)
    const row = await keyturn.database.reader
      .selectFrom('secrets')
      .selectAll()
      .where('id', '=', secret.id)
      .executeTakeFirstOrThrow()
    expect(row.value).toBeNull()
    expect(Buffer.compare(row.digest, sha256(secret.value))).toBe(0)
    expect((await keyturn.request('GET', `/v1/keys/${key.id}`)).text).not.toContain(secret.value)

    const shop = await keyturn.createKey('default', { kind: 'publishable' })
    expect(shop.secret.value).toMatch(/^kt_pub_live_/)
    expect((await keyturn.request('GET', `/v1/keys/${shop.key.id}`)).body.secrets[0].value).toBe(shop.secret.value)
  })

  it('warns of a name that says nothing, of one that another active key bears, and when nobody would be told', async () => {
    const project = (await keyturn.createProject('default')).id
    const warnings = async (fields: object) =>
      (await create(project, fields)).body.key.warnings.map((warning: { code: string }) => warning.code).sort()
    const owner = 'anna@example.com'
    expect(await warnings({ name: 'Stripe webhook', owner })).toEqual([])
    expect(await warnings({ name: 'API Key 1', owner })).toEqual(['vague_name'])
    expect(await warnings({ name: ' stripe  WEBHOOK ', owner })).toEqual(['duplicate_name'])
    expect(await warnings({ name: 'Datadog' })).toEqual(['nobody_would_be_told'])
    const revoked = (await create(project, { name: 'Shopify', owner })).body.key.id
    await keyturn.request('POST', `/v1/keys/${revoked}/revoke`)
    expect(await warnings({ name: 'Shopify', owner })).toEqual([])
  })

  it('is refused by the naming rule of the policy, and says which', async () => {
    const project = (await keyturn.createProject('default')).id
    await keyturn.request('PATCH', `/v1/projects/${project}`, {
      body: { policy: { name_pattern: '[A-Z][a-z]+, (?:prod|test)', refuse_vague_names: true } },
    })
    expect((await create(project, { name: 'Zapier' })).body).toMatchObject({
      code: 'name_does_not_match_policy',
      name_pattern: '[A-Z][a-z]+, (?:prod|test)',
    })
    expect((await create(project, { name: 'Test, prod' })).body).toMatchObject({ code: 'name_is_vague' })
    expect((await create(project, { name: 'Zapier, prod' })).status).toBe(201)
    expect((await counts(project)).active).toBe(2)
  })

  it('that never expires needs a policy that allows it, of the organization and of the project', async () => {
    const org = await keyturn.createOrganization()
    const project = (await keyturn.createProject(org.id)).id
    expect((await create(project, { never_expires: true })).body.code).toBe('never_expires_not_allowed')
    await keyturn.request('PATCH', `/v1/organizations/${org.id}`, { body: { policy: { allow_never_expires: true } } })
    const { key } = (await create(project, { never_expires: true })).body
    expect(key).toMatchObject({ never_expires: true, expires_at: null, next_expiry_at: null })
    await keyturn.request('PATCH', `/v1/projects/${project}`, { body: { policy: { allow_never_expires: false } } })
    expect((await create(project, { never_expires: true })).body.code).toBe('never_expires_not_allowed')
    expect((await keyturn.request('GET', `/v1/keys/${key.id}`)).body.status).toBe('active')
  })

  it('never gives a value again that was ever given: the digest of a deleted key stays taken', async () => {
    const { key, secret } = await keyturn.createKey('default')
    await keyturn.request('DELETE', `/v1/keys/${key.id}?confirm=DELETE`)
    const digest = sha256(secret.value)
    const again = sql`insert into secrets (id, key_id, organization_id, slot, digest, hint, created_at, expires_at)
      select 'sec_again', key_id, organization_id, slot, ${digest}, hint, created_at, 'infinity' from secrets where id = ${secret.id}`
    await expect(again.execute(keyturn.database.reader)).rejects.toMatchObject({
      constraint: 'secrets_digest_is_unique',
    })
    expect((await keyturn.verify(secret.value)).code).toBe('NOT_FOUND')
  })
})
