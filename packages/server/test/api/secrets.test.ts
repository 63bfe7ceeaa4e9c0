import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anEngine } from '../support/engines.ts'
import { type Answer, type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { operations } from '../support/operations.ts'
import { callOperation, inOrder, makePlace, type Place } from '../support/samples.ts'

/** All that came over the wire. */
const wholeOf = ({ headers, text }: Answer) => `${[...headers].flat().join('\n')}\n${text}`

describe.each(anEngine('PostgreSQL'))('the value of a secret, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())

  /** Calls everything there is about a place, in ways that work and in ways that do not, and gives all the answers. */
  async function callEverything(place: Place): Promise<{ name: string; answer: Answer }[]> {
    const answers: { name: string; answer: Answer }[] = []
    for (const operation of inOrder(operations)) {
      answers.push({ name: operation.name, answer: await callOperation(keyturn, operation, place) })
      answers.push({
        name: `${operation.name}, refused`,
        answer: await callOperation(keyturn, operation, place, { key: 'nobody' }),
      })
      if (operation.body === null) continue
      const raw = JSON.stringify({ nonsense: 1, name: null })
      answers.push({
        name: `${operation.name}, wrong`,
        answer: await callOperation(keyturn, operation, place, { raw }),
      })
    }
    return answers
  }

  it('is in the answer to its creation and in no other of any endpoint, nor in any line of the log', async () => {
    const place = await makePlace(keyturn)
    const { secret: management } = await keyturn.createManagementKey(place.org)
    const answers = await callEverything(place)
    expect(
      answers
        .filter(({ answer }) => answer.status < 300)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(operations.map(({ name }) => name).sort())
    for (const value of [place.ownValue, management.value]) {
      const shown = answers.filter(({ answer }) => wholeOf(answer).includes(value.slice(8, 40)))
      expect(shown.map(({ name }) => name)).toEqual([])
      expect(keyturn.log.filter((line) => line.includes(value.slice(8, 40)))).toEqual([])
    }
  })

  it('is told by its hint from others, and the hint is the same for ever', async () => {
    const { key, secret } = await keyturn.createKey('default')
    expect(secret.hint).toBe(`${secret.value.slice(0, 12)}…${secret.value.slice(-4)}`)
    const { body } = await keyturn.request('GET', `/v1/keys/${key.id}`)
    expect(body.secrets).toEqual([{ ...secret, value: null }])
    expect(key.secrets).toEqual([{ ...secret, value: null }])
  })

  it('begins as its kind and environment do', async () => {
    for (const [fields, start] of [
      [{}, /^kt_live_[0-9A-Za-z]{38}$/],
      [{ environment: 'test' }, /^kt_test_[0-9A-Za-z]{38}$/],
      [{ kind: 'publishable' }, /^kt_pub_live_[0-9A-Za-z]{38}$/],
      [{ kind: 'publishable', environment: 'test' }, /^kt_pub_test_[0-9A-Za-z]{38}$/],
    ] as const) {
      expect((await keyturn.createKey('default', fields)).secret.value).toMatch(start)
    }
  })

  it('can be read again where it is publishable, and where that is there alone', async () => {
    const project = await keyturn.createProject('default')
    const { key, secret } = await keyturn.createKey(project.id, { kind: 'publishable' })
    await keyturn.createKey(project.id)
    const { body } = await keyturn.request('GET', `/v1/keys/${key.id}`)
    expect(body.secrets[0].value).toBe(secret.value)
    const list = await keyturn.request('GET', `/v1/projects/${project.id}/keys`)
    for (const row of list.body.data) expect(row.secrets[0].value === null).toBe(row.kind === 'secret')
    await keyturn.request('POST', `/v1/keys/${key.id}/revoke`)
    expect((await keyturn.request('GET', `/v1/keys/${key.id}`)).body.secrets[0]).toMatchObject({ status: 'revoked' })
  })

  it.each(['secret', 'publishable'])('stays what it is whatever is changed about a %s key', async (kind) => {
    const { key, secret } = await keyturn.createKey('default', { kind, expires_in: 3600 })
    const edits = {
      name: 'Another name',
      purpose: 'Another purpose',
      owner: 'grace@example.com',
      contact: 'team@example.com',
      scopes: ['orders:read'],
      allowed_ips: ['192.0.2.1'],
      metadata: { plan: 'pro' },
    }
    for (const [field, value] of Object.entries(edits)) {
      const { status, body } = await keyturn.request('PATCH', `/v1/keys/${key.id}`, { body: { [field]: value } })
      expect([field, status, body[field]]).toEqual([field, 200, value])
      // Verified meanwhile: its last use may be noted already.
      const { last_used_at: _, ...same } = secret
      expect(body.secrets).toMatchObject([{ ...same, value: kind === 'secret' ? null : secret.value }])
      expect(body).toMatchObject({ expires_at: key.expires_at, created_at: key.created_at, status: 'active' })
      const verdict = await keyturn.verify(secret.value, { kinds: [kind], ip: '192.0.2.1' })
      expect(verdict).toMatchObject({ code: 'VALID', key: { id: key.id } })
    }
    await keyturn.request('POST', `/v1/keys/${key.id}/extend`, { body: { expires_in: 7200 } })
    expect((await keyturn.verify(secret.value, { kinds: [kind], ip: '192.0.2.1' })).code).toBe('VALID')
  })

  it('never becomes valid again once its key is revoked or deleted', async () => {
    const { key, secret } = await keyturn.createKey('default')
    await keyturn.request('POST', `/v1/keys/${key.id}/revoke`)
    for (const [method, path, body] of [
      ['POST', '/enable', {}],
      ['POST', '/extend', { expires_in: 60 }],
      ['PATCH', '', { name: 'Back again' }],
    ] as const) {
      const answer = await keyturn.request(method, `/v1/keys/${key.id}${path}`, { body })
      expect(answer).toMatchObject({ status: 409, body: { code: 'key_revoked' } })
    }
    expect((await keyturn.verify(secret.value)).code).toBe('REVOKED')
    expect((await keyturn.request('DELETE', `/v1/keys/${key.id}?confirm=DELETE`)).status).toBe(204)
    for (const [method, path] of [
      ['GET', ''],
      ['POST', '/enable'],
      ['DELETE', '?confirm=DELETE'],
    ] as const) {
      expect((await keyturn.request(method, `/v1/keys/${key.id}${path}`)).body.code).toBe('key_not_found')
    }
    expect((await keyturn.verify(secret.value)).code).toBe('NOT_FOUND')
  })

  it('is not deleted without the word for it', async () => {
    const { key, secret } = await keyturn.createKey('default')
    for (const options of [
      {},
      { body: { confirm: 'delete' } },
      { body: { confirm: '' } },
      { body: { confirm: 'DELETE ' } },
    ]) {
      const answer = await keyturn.request('DELETE', `/v1/keys/${key.id}`, options)
      expect(answer).toMatchObject({ status: 422, body: { code: 'confirmation_required' } })
    }
    expect((await keyturn.request('DELETE', `/v1/keys/${key.id}?confirm=yes`)).status).toBe(422)
    expect((await keyturn.verify(secret.value)).code).toBe('VALID')
  })
})
