import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anEngine } from '../support/engines.ts'
import { type Answer, type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { operations } from '../support/operations.ts'
import { faultOf } from '../support/problems.ts'
import {
  auditHeads,
  callOperation,
  expectNothingChanged,
  makePlace,
  type Place,
  rawBodyOf,
  sampleOf,
} from '../support/samples.ts'

const questions = [
  'POST /v1/verify',
  'POST /v1/organizations/{org}/policy/dry-run',
  'POST /v1/projects/{project}/policy/dry-run',
]
const changingPosts = operations.filter(({ method, name }) => method === 'POST' && !questions.includes(name))
let used = 0
/** How far a change has come on the nodes is asked anew each time. */
const whatWasDone = ({ status, body }: Answer) => ({ status, body: { ...body, propagation: undefined } })
const newHeader = () => ({ 'idempotency-key': `order-${++used}` })

describe.each(anEngine('PostgreSQL'))('Idempotency-Key, on $name', (engine) => {
  let keyturn: Keyturn
  let place: Place
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    place = await makePlace(keyturn)
  })
  afterAll(() => keyturn.stop())

  /** How many events are on record after some work that were not before. */
  async function countEvents(work: () => Promise<unknown>): Promise<number> {
    const total = async () => {
      const heads = await keyturn.database.reader.selectFrom('audit_heads').select('sequence').execute()
      return heads.reduce((sum, head) => sum + head.sequence, 0)
    }
    const before = await total()
    await work()
    return (await total()) - before
  }

  it('is taken by every changing POST, and the document says so', () => {
    expect(changingPosts.length).toBeGreaterThan(5)
    for (const { name, parameters } of changingPosts) {
      expect([name, parameters.some((parameter) => parameter.name === 'idempotency-key')]).toEqual([name, true])
    }
  })

  describe.each(changingPosts)('$name', (operation) => {
    it('is done once however often it is sent, with the same answer each time', async () => {
      const headers = newHeader()
      const fresh = await makePlace(keyturn, undefined, operation)
      const first = await callOperation(keyturn, operation, fresh, { headers })
      expect(first.status).toBe(sampleOf(operation).status)
      expect(first.headers.get('idempotency-replayed')).toBeNull()
      await expectNothingChanged(keyturn, async () => {
        for (let time = 0; time < 2; time++) {
          const again = await callOperation(keyturn, operation, fresh, { headers })
          expect(whatWasDone(again)).toEqual(whatWasDone(first))
          expect(again.headers.get('content-type')).toBe(first.headers.get('content-type'))
          expect(again.headers.get('idempotency-replayed')).toBe('true')
        }
      })
    })

    it('is done once where it is sent three times at the same moment', async () => {
      const headers = newHeader()
      const [one, other] = [
        await makePlace(keyturn, undefined, operation),
        await makePlace(keyturn, undefined, operation),
      ]
      const events = await countEvents(() => callOperation(keyturn, operation, one))
      const atOnce = () =>
        Promise.all(Array.from({ length: 3 }, () => callOperation(keyturn, operation, other, { headers })))
      let answers: Awaited<ReturnType<typeof atOnce>> = []
      const eventsAtOnce = await countEvents(async () => {
        answers = await atOnce()
      })
      expect(eventsAtOnce).toBe(events)
      for (const answer of answers) expect(whatWasDone(answer)).toEqual(answers[0] && whatWasDone(answers[0]))
      expect(answers.filter((answer) => answer.headers.get('idempotency-replayed') === null)).toHaveLength(1)
    })

    it('with another body under the same key is refused with 422', async () => {
      const headers = newHeader()
      const fresh = await makePlace(keyturn, undefined, operation)
      await callOperation(keyturn, operation, fresh, { headers })
      await expectNothingChanged(keyturn, async () => {
        // White space makes another body, too: what is compared is what was sent.
        const raw = `${rawBodyOf(operation, fresh)}\n`
        const answer = await callOperation(keyturn, operation, fresh, { headers, raw })
        expect(faultOf(answer, { status: 422, code: 'idempotency_key_reused' })).toBeNull()
      })
    })

    it('with a header that is no key is refused with 400', () =>
      expectNothingChanged(keyturn, async () => {
        for (const value of ['', 'a b', 'x'.repeat(256), 'schlüssel', 'a\tb']) {
          const answer = await callOperation(keyturn, operation, place, { headers: { 'idempotency-key': value } })
          expect(faultOf(answer, { status: 400, code: 'invalid_request', path: 'Idempotency-Key' })).toBeNull()
        }
      }))
  })

  /** What an answer shows this once: the value of a secret, or a link to one. */
  const shownOnce = ({ body }: Answer): string | null =>
    body?.secret?.value ?? body?.signing_secret ?? body?.url ?? null

  const issuing = [
    'POST /v1/channels/{channel}/rotate-secret',
    'POST /v1/keys/self/rotate',
    'POST /v1/keys/{key}/claim-links',
    'POST /v1/keys/{key}/rotate',
    'POST /v1/keys/{key}/secrets',
    'POST /v1/organizations/{org}/channels',
    'POST /v1/organizations/{org}/feed-tokens',
    'POST /v1/organizations/{org}/invitations',
    'POST /v1/organizations/{org}/management-keys',
    'POST /v1/organizations/{org}/members/{member}/password-reset',
    'POST /v1/organizations/{org}/portal-sessions',
    'POST /v1/projects/{project}/keys',
  ]

  it('gives the same secret for ten minutes, and null after, with every operation that issues one', async () => {
    const found: string[] = []
    for (const operation of changingPosts) {
      const headers = newHeader()
      const fresh = await makePlace(keyturn, undefined, operation)
      const first = await callOperation(keyturn, operation, fresh, { headers })
      const shown = shownOnce(first)
      if (shown === null) continue
      found.push(operation.name)
      keyturn.clock.advance(10 * 60_000 - 5_000)
      expect((await callOperation(keyturn, operation, fresh, { headers })).text).toBe(first.text)
      keyturn.clock.advance(6_000)
      const late = await callOperation(keyturn, operation, fresh, { headers })
      expect([operation.name, late.status, late.text]).toEqual([
        operation.name,
        first.status,
        first.text.replace(JSON.stringify(shown), 'null'),
      ])
      expect(late.text).not.toContain(shown)
    }
    expect(found.toSorted()).toEqual(issuing)
  })

  const create = (headers: Record<string, string>, body: object, options: { key?: string; project?: string } = {}) =>
    keyturn.request('POST', `/v1/projects/${options.project ?? place.project}/keys`, {
      headers,
      body,
      ...(options.key === undefined ? {} : { key: options.key }),
    })

  it('shows a secret again for 10 minutes, then the same answer without it, and after 24 hours does it anew', async () => {
    const headers = newHeader()
    const body = { name: 'Zapier, production' }
    const first = await create(headers, body)
    keyturn.clock.advance(9 * 60_000)
    expect((await create(headers, body)).text).toBe(first.text)
    keyturn.clock.advance(2 * 60_000)
    const later = await create(headers, body)
    expect(later.status).toBe(201)
    expect(later.body).toEqual({ ...first.body, secret: { ...first.body.secret, value: null } })
    keyturn.clock.advance(24 * 3_600_000)
    const anew = await create(headers, body)
    expect(anew.status).toBe(201)
    expect(anew.body.key.id).not.toBe(first.body.key.id)
    expect(anew.headers.get('idempotency-replayed')).toBeNull()
  })

  it('of a request that was refused is free for the next try', async () => {
    const headers = newHeader()
    expect((await create(headers, { name: 'Zapier', expires_in: 9_999_999_999 })).status).toBe(400)
    expect((await create(headers, { name: 'Zapier', never_expires: true })).status).toBe(422)
    expect((await create(headers, { name: 'Zapier' })).status).toBe(201)
  })

  it('is each caller’s own, and each endpoint’s', async () => {
    const headers = newHeader()
    const [one, other] = await Promise.all(
      [1, 2].map(() => keyturn.createManagementKey(place.org, { scopes: ['keys:write', 'keys:read'] })),
    )
    const project = await keyturn.createProject(place.org)
    const answers = [
      await create(headers, { name: 'Zapier' }),
      await create(headers, { name: 'Zapier' }, { key: String(one?.secret.value) }),
      await create(headers, { name: 'Zapier' }, { key: String(other?.secret.value) }),
      await create(headers, { name: 'Zapier' }, { project: project.id }),
    ]
    expect(answers.map((answer) => answer.status)).toEqual([201, 201, 201, 201])
    expect(new Set(answers.map((answer) => answer.body.key.id)).size).toBe(4)
  })

  it('answers nobody who may not ask any more', async () => {
    const headers = newHeader()
    const { key, secret } = await keyturn.createManagementKey(place.org, { scopes: ['keys:write'] })
    expect((await create(headers, { name: 'Zapier' }, { key: secret.value })).status).toBe(201)
    await keyturn.request('PATCH', `/v1/keys/${key.id}`, { body: { scopes: ['verify'] } })
    const heads = await auditHeads(keyturn)
    expect((await create(headers, { name: 'Zapier' }, { key: secret.value })).status).toBe(403)
    await keyturn.request('POST', `/v1/keys/${key.id}/revoke`)
    expect((await create(headers, { name: 'Zapier' }, { key: secret.value })).status).toBe(401)
    expect(await auditHeads(keyturn)).not.toEqual(heads)
  })
})
