import type { DryRun } from '@keyturn/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anEngine } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { until } from '../support/nodes.ts'
import { faultOf } from '../support/problems.ts'
import { auditHeads } from '../support/samples.ts'

const day = 86_400
const dayMs = 1000 * day

describe.each(anEngine('PGlite'))('a change of policy that is tried out, on $name', (engine) => {
  let keyturn: Keyturn
  let org: string
  let project: string
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    org = (await keyturn.createOrganization()).id
    await keyturn.request('PATCH', `/v1/organizations/${org}`, { body: { policy: { allow_never_expires: true } } })
    project = (await keyturn.createProject(org)).id
    const create = (fields: object) => keyturn.createKey(project, fields)
    const used = await create({ name: 'Orders, production', never_expires: true })
    await create({ name: 'test', never_expires: true })
    await create({ name: 'Long', expires_in: 600 * day })
    const rotated = await create({ name: 'Rotated', expires_in: 300 * day })
    await keyturn.request('POST', `/v1/keys/${rotated.key.id}/rotate`, { body: { overlap: 20 * day } })
    await create({ name: 'Expired', expires_in: 1 })
    const { key } = await create({ name: 'Revoked', never_expires: true })
    await keyturn.request('POST', `/v1/keys/${key.id}/revoke`)
    keyturn.clock.advance(5000)
    await keyturn.verify(used.secret.value)
    const lastUse = async () => (await keyturn.request('GET', `/v1/keys/${used.key.id}`)).body.last_used_at
    await until(async () => (await lastUse()) !== null)
  })
  afterAll(() => keyturn.stop())

  const tryOut = async (policy: object, query = '', of = `organizations/${org}`): Promise<DryRun> => {
    const answer = await keyturn.request('POST', `/v1/${of}/policy/dry-run${query}`, { body: { policy } })
    expect(answer.status, answer.text).toBe(200)
    return answer.body
  }
  const shown = ({ data }: DryRun) => data.map(({ name, rules }) => `${name}: ${rules.join(' ')}`)

  it('names the keys that it would break, by rule, and how many of them are in use', async () => {
    const never = await tryOut({ allow_never_expires: false })
    expect(shown(never)).toEqual(['Orders, production: allow_never_expires', 'test: allow_never_expires'])
    expect(never.counts).toMatchObject({ keys: 2, in_use: 1, rules: { allow_never_expires: { keys: 2, in_use: 1 } } })
    expect(never.data.map(({ in_use }) => in_use)).toEqual([true, false])
    expect(shown(await tryOut({ max_lifetime: 400 * day, max_overlap: 10 * day }))).toEqual([
      'Long: max_lifetime',
      'Rotated: max_overlap',
    ])
    expect(shown(await tryOut({ refuse_vague_names: true, name_pattern: '.*, production|[Tt]est|Rotated' }))).toEqual([
      'test: refuse_vague_names',
      'Long: name_pattern',
    ])
    expect(shown(await tryOut({ name_pattern: '(([a-zA-Z, ]+)+)+!' }))).toHaveLength(4)
    const limited = await tryOut({ max_active_keys: 3 })
    expect(limited.counts).toMatchObject({
      keys: 0,
      projects_over_limit: [{ project_id: project, active_keys: 5, max_active_keys: 3 }],
    })
  })

  it('breaks no key that is out of order already, and none where nothing becomes stricter', async () => {
    expect(await tryOut({ max_lifetime: 700 * day, allow_never_expires: true })).toMatchObject({
      data: [],
      counts: { keys: 0 },
    })
    expect((await tryOut({ review_every: day, idle_after: null })).data).toEqual([])
    await keyturn.request('PATCH', `/v1/projects/${project}`, { body: { policy: { allow_never_expires: false } } })
    expect((await tryOut({ allow_never_expires: false })).data).toEqual([])
    await keyturn.request('PATCH', `/v1/projects/${project}`, { body: { policy: { allow_never_expires: null } } })
  })

  it('says which rotations would be overdue at once, legacy keys too', async () => {
    expect((await tryOut({ rotate_every: day })).data).toEqual([])
    keyturn.clock.advance(2 * dayMs)
    expect((await tryOut({ rotate_every: day })).counts?.rules.rotate_every.keys).toBe(5)
    expect((await tryOut({ rotate_every: 3 * day })).data).toEqual([])
  })

  it('comes in pages, with the counts of all on the first', async () => {
    const whole = await tryOut({
      allow_never_expires: false,
      max_lifetime: 400 * day,
      max_overlap: day,
      default_overlap: 0,
    })
    expect(whole.data).toHaveLength(4)
    const policy = { allow_never_expires: false, max_lifetime: 400 * day, max_overlap: day, default_overlap: 0 }
    const first = await tryOut(policy, '?limit=3')
    expect(first).toMatchObject({ data: whole.data.slice(0, 3), counts: whole.counts })
    const second = await tryOut(policy, `?limit=3&cursor=${first.next_cursor}`)
    expect(second).toEqual({ data: whole.data.slice(3), next_cursor: null, counts: null })
  })

  it('of a project is tried against its own rules', async () => {
    const of = `projects/${project}`
    expect(shown(await tryOut({ allow_never_expires: false }, '', of))).toHaveLength(2)
    const looser = { body: { policy: { max_lifetime: 3000 * day } } }
    const refused = await keyturn.request('POST', `/v1/${of}/policy/dry-run`, looser)
    expect(faultOf(refused, { status: 422, code: 'policy_looser_than_organization' })).toBeNull()
  })

  it('changes nothing, and is refused where the change would be', async () => {
    const before = await auditHeads(keyturn)
    await tryOut({ max_lifetime: 400 * day })
    expect(await auditHeads(keyturn)).toEqual(before)
    const path = `/v1/organizations/${org}/policy/dry-run`
    const inconsistent = { body: { policy: { max_lifetime: day } } }
    expect((await keyturn.request('POST', path, inconsistent)).body.code).toBe('policy_is_inconsistent')
    const { secret } = await keyturn.createManagementKey(org, { projects: [project] })
    const bound = await keyturn.request('POST', path, { key: secret.value, body: { policy: {} } })
    expect(bound.body.code).toBe('whole_organization_required')
  })
})
