import { type Delivery, testEvent, webhookEvents, webhookPayload } from '@keyturn/contract'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { recordChange } from '../../src/audit/record-change.ts'
import { alertCallsAfterEnd } from '../../src/expirations/alert-calls.ts'
import { planReminders } from '../../src/expirations/plan-reminders.ts'
import { sha256 } from '../../src/kernel/digest.ts'
import { createPostWebhook } from '../../src/main/post-webhook.ts'
import { forgetOldDeliveries } from '../../src/notifications/manage-deliveries.ts'
import { retryDelaysMs } from '../../src/notifications/retry-schedule.ts'
import { DeliverySender } from '../../src/notifications/send-deliveries.ts'
import { engines } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { answerWith, openReceiver, type Received, type Receiver, verifyMessage } from '../support/receiver.ts'

const minute = 60_000
const hour = 60 * minute
const system = {
  caller: { actor: { type: 'system' as const, id: null, name: 'Keyturn' } },
  address: null,
  requestId: null,
}

describe.each(engines)('webhooks, on $name', (engine) => {
  let keyturn: Keyturn
  let receiver: Receiver
  let sender: DeliverySender
  let made = 0

  beforeAll(async () => {
    keyturn = await openKeyturn(engine, { KEYTURN_WEBHOOK_ALLOW_PRIVATE: '127.0.0.0/8' })
    receiver = await openReceiver()
    sender = newSender()
  })
  afterAll(async () => {
    await sender.stop()
    await keyturn.stop()
    await receiver.stop()
  })

  /** Another node, beside the one that serves. */
  const newSender = () =>
    new DeliverySender({
      ground: keyturn.ground,
      clock: keyturn.clock,
      masterKey: keyturn.masterKey,
      post: createPostWebhook({ allowPrivate: ['127.0.0.0/8'] }),
      publicUrl: 'http://localhost:4500',
      onTrouble: (error) => {
        throw error
      },
    })

  async function openScene(fields: object = {}) {
    const org = (await keyturn.createOrganization()).id
    const project = (await keyturn.createProject(org)).id
    const path = `/${++made}`
    const webhook = await createWebhook(org, { url: `${receiver.url}${path}`, ...fields })
    return { org, project, path, ...webhook }
  }
  async function createWebhook(org: string, fields: object): Promise<{ id: string; secret: string }> {
    const answer = await keyturn.request('POST', `/v1/organizations/${org}/channels`, {
      body: { kind: 'webhook', ...fields },
    })
    expect(answer.status, answer.text).toBe(201)
    return { id: answer.body.channel.id, secret: answer.body.signing_secret }
  }
  const deliveriesOf = async (id: string, query = ''): Promise<Delivery[]> =>
    (await keyturn.request('GET', `/v1/channels/${id}/deliveries?limit=200${query}`)).body.data
  const post = (path: string, body: object = {}) => keyturn.request('POST', path, { body })
  /** What is due is sent now. */
  async function deliver() {
    await sender.run()
    await sender.settle()
  }
  /** Until the deliveries of a channel, newest first, look like this: `pending 2`. */
  const waitForStates = (id: string, wanted: string[]) =>
    vi.waitFor(
      async () => {
        const found = await deliveriesOf(id)
        expect(found.map(({ state, attempts }) => `${state} ${attempts}`)).toEqual(wanted)
        // None is under way: an attempt is counted when it begins, and on the log when it has ended.
        for (const { attempts, log } of found) expect(log.length).toBeGreaterThanOrEqual(attempts)
        return found
      },
      { timeout: 15_000, interval: 20 },
    )
  const at = (path: string) => receiver.received.filter((one) => one.path === path)
  const typeOf = ({ body }: Received): string => JSON.parse(body).type
  /** As whoever writes reminders puts it on record. */
  const record = (
    org: string,
    action: (typeof webhookEvents)[number],
    target: 'key' | 'tracked_credential',
    id: string,
  ) =>
    keyturn.rootCall.change(async (tx) =>
      recordChange(tx, system, await keyturn.ground.now(tx), {
        action,
        organizationId: org,
        projectId: null,
        target: { type: target, id, name: 'Zapier' },
        before: null,
        after: { secret: 'sec_1', threshold: 86_400, ends_at: '2027-05-01T00:00:00.000Z' },
        affects: null,
      }),
    )

  it('tell when a reminder of a key is due, when it has ended, and that it is called after that', async () => {
    const { project, path, secret } = await openScene()
    const { key, secret: issued } = await keyturn.createKey(project, { name: 'Zapier', expires_in: 3 * 86_400 })
    /** The newest ones, once there are so many in all: the server sends them as well. */
    const told = async (before: number, count: number) => {
      await planReminders(keyturn.ground)
      await alertCallsAfterEnd(keyturn.ground)
      await deliver()
      const found = (await receiver.waitFor(before + count, path)).slice(before)
      const messages = found.map((one) => verifyMessage(secret, one, keyturn.clock.now()))
      const of = { key_id: key.id, secret_id: issued.id, ends_at: key.expires_at }
      for (const { type, data } of messages) if (type !== 'key.created') expect(data).toMatchObject(of)
      return messages.map(({ type, data }) => `${type} ${data.threshold}`).toSorted()
    }
    keyturn.clock.advance(2 * 24 * hour + minute)
    expect(await told(0, 2)).toEqual(['key.created null', 'key.expiring 86400'])
    keyturn.clock.advance(24 * hour)
    expect(await told(2, 1)).toEqual(['key.expired null'])
    expect((await keyturn.verify(issued.value)).code).toBe('EXPIRED')
    await keyturn.request('GET', `/v1/keys/${key.id}/rotation`)
    expect(await told(3, 1)).toEqual(['key.used_after_end null'])
  })

  it('tell of everything that happens to keys, signed so that the library verifies it, and never a secret', async () => {
    const { org, project, path, id, secret } = await openScene()
    const { key, secret: first } = await keyturn.createKey(project, {
      name: 'Zapier',
      owner: 'ada@example.com',
      expires_in: 86_400,
    })
    const rotated = await post(`/v1/keys/${key.id}/rotate`, { overlap: 60 })
    keyturn.clock.advance(minute)
    const staged = await post(`/v1/keys/${key.id}/secrets`, { expires_in: 500_000 })
    await post(`/v1/keys/${key.id}/promote`, { overlap: 0 })
    await post(`/v1/keys/${key.id}/extend`, { expires_in: 900_000 })
    await keyturn.request('PATCH', `/v1/keys/${key.id}`, { body: { purpose: 'nobody is told of this' } })
    for (const action of ['key.expiring', 'key.expired', 'key.used_after_end'] as const)
      await record(org, action, 'key', key.id)
    const tracked = await post(`/v1/organizations/${org}/tracked-credentials`, {
      name: 'Stripe',
      owner: 'grace@example.com',
      expires_at: '2029-01-01T00:00:00Z',
    })
    for (const action of ['tracked_credential.expiring', 'tracked_credential.expired'] as const)
      await record(org, action, 'tracked_credential', tracked.body.id)
    await post(`/v1/keys/${key.id}/revoke`)
    await keyturn.request('DELETE', `/v1/keys/${key.id}?confirm=DELETE`)

    await deliver()
    const received = await receiver.waitFor(11, path)
    const told = received
      .map((one) => webhookPayload.strict().parse(verifyMessage(secret, one, keyturn.clock.now())))
      .toSorted((a, b) => a.data.sequence - b.data.sequence)
    expect(told.map(({ type }) => type)).toEqual([
      'key.created',
      'key.rotated',
      'key.rotated',
      'key.extended',
      'key.expiring',
      'key.expired',
      'key.used_after_end',
      'tracked_credential.expiring',
      'tracked_credential.expired',
      'key.revoked',
      'key.deleted',
    ])
    expect(new Set(told.map(({ type }) => type))).toEqual(new Set(webhookEvents))
    expect(new Set(received.map((one) => one.id)).size).toBe(11)
    const [created] = told
    expect(created?.data).toMatchObject({
      organization_id: org,
      project_id: project,
      key_id: key.id,
      tracked_credential_id: null,
      url: expect.stringMatching(new RegExp(`^http://localhost:\\d+/console/${org}/keys/${key.id}$`)),
      name: 'Zapier',
      owner: 'ada@example.com',
      management: false,
      actor: { type: 'root_key' },
    })
    const { body: event } = await keyturn.request(
      'GET',
      `/v1/organizations/${org}/audit-events?action=key.created&key=${key.id}`,
    )
    expect(created).toMatchObject({ timestamp: event.data[0].at, data: { sequence: event.data[0].sequence } })
    expect(told.find(({ type }) => type === 'key.expiring')?.data).toMatchObject({
      key_id: key.id,
      secret_id: 'sec_1',
      threshold: 86_400,
      ends_at: '2027-05-01T00:00:00.000Z',
      owner: 'ada@example.com',
      actor: { type: 'system', name: 'Keyturn' },
    })
    expect(told.find(({ type }) => type === 'tracked_credential.expired')?.data).toMatchObject({
      key_id: null,
      tracked_credential_id: tracked.body.id,
      owner: 'grace@example.com',
    })
    // The deleted one still has its owner in what is told last.
    expect(told.at(-1)?.data).toMatchObject({ key_id: key.id, owner: 'ada@example.com' })

    const everything = JSON.stringify(received)
    for (const value of [first.value, rotated.body.secret.value, staged.body.secret.value, keyturn.rootKey, secret]) {
      expect(value.length).toBeGreaterThan(20)
      expect(everything).not.toContain(value)
      expect(everything).not.toContain(sha256(value).toString('hex'))
    }
    expect(await deliveriesOf(id)).toHaveLength(11)
    expect(await deliveriesOf(id, '&state=dead')).toEqual([])
  })

  it('are refused by the library with another secret, another body or another id', async () => {
    const { project, path, secret } = await openScene()
    await keyturn.createKey(project)
    await deliver()
    const [one] = await receiver.waitFor(1, path)
    if (!one) throw new Error('nothing has come')
    const now = keyturn.clock.now()
    const other = (await openScene()).secret
    expect(() => verifyMessage(other, one, now)).toThrow('No matching signature')
    expect(() => verifyMessage(secret, { ...one, body: `${one.body} ` }, now)).toThrow('No matching signature')
    const replayed = { ...one, headers: { ...one.headers, 'webhook-id': 'dlv_other' } }
    expect(() => verifyMessage(secret, replayed, now)).toThrow('No matching signature')
    expect(() => verifyMessage(secret, one, now + 10 * minute)).toThrow('too old')
  })

  it('tell each channel what it wants to know, from when it was made, and nothing of others', async () => {
    const { org, project, path } = await openScene({ events: ['key.revoked'] })
    const { key } = await keyturn.createKey(project)
    await deliver()
    keyturn.clock.advance(1_000)
    const late = `/${++made}`
    await createWebhook(org, { url: `${receiver.url}${late}` })
    await createWebhook(org, { url: `${receiver.url}/off`, enabled: false })
    const elsewhere = await openScene()
    await post(`/v1/keys/${key.id}/revoke`)
    await deliver()
    await receiver.waitFor(1, path)
    await receiver.waitFor(1, late)
    expect(at(path).map(typeOf)).toEqual(['key.revoked'])
    expect(at(late).map(typeOf)).toEqual(['key.revoked'])
    expect(at('/off')).toEqual([])
    expect(await deliveriesOf(elsewhere.id)).toEqual([])
  })

  it('are sent again under the same id until the receiver comes back, and the log says how it went', async () => {
    const { project, path, id, secret } = await openScene()
    receiver.answer(answerWith(503, {}, `no\0room ${'x'.repeat(5_000)}`))
    await keyturn.createKey(project)
    await deliver()
    await waitForStates(id, ['pending 1'])
    keyturn.clock.advance(6_000)
    receiver.answer((response) => void response.destroy())
    await deliver()
    await waitForStates(id, ['pending 2'])
    // Not before its time.
    keyturn.clock.advance(4 * minute)
    await deliver()
    expect(at(path)).toHaveLength(2)
    keyturn.clock.advance(2 * minute)
    receiver.answer(answerWith(200, {}, 'thank you'))
    await deliver()
    const [delivery] = await waitForStates(id, ['delivered 3'])
    const received = at(path)
    expect(new Set(received.map((one) => one.id))).toEqual(new Set([delivery?.id]))
    expect(new Set(received.map(({ body }) => body)).size).toBe(1)
    verifyMessage(secret, received[2] as Received, keyturn.clock.now())
    expect(delivery?.log.map(({ status, error }) => [status, error])).toEqual([
      [200, null],
      [null, 'the connection failed (ECONNRESET)'],
      [503, 'answered 503'],
    ])
    expect(delivery?.log[2]?.answer).toBe(`no\uFFFDroom ${'x'.repeat(992)}`)
    expect(delivery?.log[0]?.answer).toBe('thank you')
    expect(delivery?.finished_at).not.toBeNull()
    expect(delivery?.next_attempt_at).toBeNull()
    receiver.answer(answerWith(204))
  })

  it('wait for as long as the receiver asks', async () => {
    const { project, path, id } = await openScene()
    receiver.answer(answerWith(429, { 'retry-after': '7200' }))
    await keyturn.createKey(project)
    await deliver()
    const [delivery] = await waitForStates(id, ['pending 1'])
    expect(Date.parse(delivery?.next_attempt_at ?? '') - keyturn.clock.now()).toBeGreaterThan(1.9 * hour)
    receiver.answer(answerWith(204))
    keyturn.clock.advance(1.9 * hour)
    await deliver()
    expect(at(path)).toHaveLength(1)
    keyturn.clock.advance(0.2 * hour)
    await deliver()
    await waitForStates(id, ['delivered 2'])
  })

  it('are given up after three days, and sent again by hand under the same id', async () => {
    const { org, project, path, id } = await openScene()
    receiver.answer(answerWith(302, { location: `${receiver.url}/elsewhere` }))
    await keyturn.createKey(project)
    await deliver()
    await waitForStates(id, ['pending 1'])
    for (const [index, delay] of retryDelaysMs.entries()) {
      keyturn.clock.advance(delay * 1.11)
      await deliver()
      await waitForStates(id, [index === retryDelaysMs.length - 1 ? 'dead 10' : `pending ${index + 2}`])
    }
    keyturn.clock.advance(100 * hour)
    await deliver()
    expect(at(path)).toHaveLength(10)
    expect(at('/elsewhere')).toEqual([])
    const [dead] = await deliveriesOf(id, '&state=dead')
    expect(dead?.log[0]?.error).toBe('302 is a redirect, and none is followed')
    const { text } = await keyturn.request('GET', '/metrics')
    expect(text).toMatch(/^keyturn_webhook_dead_letters [1-9]/m)
    expect(text).toMatch(/^keyturn_webhook_attempts_total\{outcome="(delivered|failed|dead)"\} \d/m)

    const retry = `/v1/channels/${id}/deliveries/${dead?.id}/retry`
    expect((await post(retry)).body).toMatchObject({ id: dead?.id, state: 'pending', attempts: 10, finished_at: null })
    expect((await post(retry)).body.code).toBe('delivery_not_dead')
    receiver.answer(answerWith(204))
    await deliver()
    await waitForStates(id, ['delivered 11'])
    expect(new Set(at(path).map((one) => one.id))).toEqual(new Set([dead?.id]))
    expect((await post(retry)).body).toMatchObject({ code: 'delivery_not_dead', status: 409 })
    const { body: events } = await keyturn.request(
      'GET',
      `/v1/organizations/${org}/audit-events?action=channel.delivery_retried`,
    )
    expect(events.data).toHaveLength(1)
    expect((await post(`/v1/channels/${id}/deliveries/dlv_none/retry`)).body.code).toBe('delivery_not_found')
    const other = (await openScene()).id
    expect((await post(retry.replace(id, other))).body.code).toBe('delivery_not_found')
  })

  it('stop at once where the receiver answers 410: the channel is disabled, and what waits can be sent again later', async () => {
    const { org, project, path, id } = await openScene()
    receiver.answer(answerWith(503))
    await keyturn.createKey(project)
    await deliver()
    await waitForStates(id, ['pending 1'])
    receiver.answer(answerWith(410))
    await keyturn.createKey(project)
    await deliver()
    await waitForStates(id, ['dead 1', 'dead 1'])
    const { body: channel } = await keyturn.request('GET', `/v1/channels/${id}`)
    expect(channel).toMatchObject({ enabled: false, disabled_reason: 'receiver_gone' })
    const { body: events } = await keyturn.request(
      'GET',
      `/v1/organizations/${org}/audit-events?action=channel.disabled`,
    )
    expect(events.data).toMatchObject([
      { actor: { type: 'system' }, target: { id }, after: { reason: 'receiver_gone' } },
    ])

    receiver.answer(answerWith(204))
    await keyturn.createKey(project)
    keyturn.clock.advance(hour)
    await deliver()
    expect(at(path)).toHaveLength(2)
    expect((await post(`/v1/channels/${id}/test`)).body.code).toBe('channel_disabled')
    const [newest] = await deliveriesOf(id)
    const retry = `/v1/channels/${id}/deliveries/${newest?.id}/retry`
    expect((await post(retry)).body.code).toBe('channel_disabled')
    const enabled = await keyturn.request('PATCH', `/v1/channels/${id}`, { body: { enabled: true } })
    expect(enabled.body).toMatchObject({ enabled: true, disabled_reason: null })
    await post(retry)
    await deliver()
    await waitForStates(id, ['delivered 2', 'dead 1'])
  })

  it('give up what waits for a channel that is disabled, and forget it with one that is deleted', async () => {
    const { project, path, id } = await openScene()
    receiver.answer(answerWith(500))
    await keyturn.createKey(project)
    await deliver()
    await waitForStates(id, ['pending 1'])
    await keyturn.request('PATCH', `/v1/channels/${id}`, { body: { enabled: false } })
    const [dead] = await waitForStates(id, ['dead 1'])
    expect(dead?.log[0]?.error).toBe('the channel was disabled')
    const doomed = await openScene()
    await keyturn.createKey(doomed.project)
    await deliver()
    await waitForStates(doomed.id, ['pending 1'])
    expect((await keyturn.request('DELETE', `/v1/channels/${doomed.id}`)).status).toBe(204)
    receiver.answer(answerWith(204))
    keyturn.clock.advance(200 * hour)
    await deliver()
    expect([at(path).length, at(doomed.path).length]).toEqual([1, 1])
    expect((await keyturn.request('GET', `/v1/channels/${doomed.id}/deliveries`)).status).toBe(404)
    const { rows } = await sql`select from deliveries where channel_id = ${doomed.id}`.execute(keyturn.database.reader)
    expect(rows).toEqual([])
  })

  it('are signed with both secrets while one is rotated, and with the new one alone after', async () => {
    const { project, path, id, secret: old } = await openScene()
    const rotate = (body: object) => post(`/v1/channels/${id}/rotate-secret`, body)
    const { body: rotated } = await rotate({})
    const fresh = rotated.signing_secret
    expect(fresh).toMatch(/^whsec_[0-9A-Za-z+/]{43}=$/)
    expect(Date.parse(rotated.channel.old_secret_signs_until) - keyturn.clock.now()).toBeGreaterThan(23 * hour)
    await keyturn.createKey(project)
    await deliver()
    const [during] = await receiver.waitFor(1, path)
    if (!during) throw new Error('nothing has come')
    expect(during.headers['webhook-signature']?.split(' ')).toHaveLength(2)
    for (const secret of [fresh, old]) verifyMessage(secret, during, keyturn.clock.now())

    keyturn.clock.advance(24 * hour)
    await keyturn.createKey(project)
    await deliver()
    const after = (await receiver.waitFor(2, path)).at(-1)
    if (!after) throw new Error('nothing has come')
    verifyMessage(fresh, after, keyturn.clock.now())
    expect(() => verifyMessage(old, after, keyturn.clock.now())).toThrow('No matching signature')

    const { body: last } = await rotate({ overlap: 0 })
    expect(last.channel.old_secret_signs_until).toBeNull()
    await keyturn.createKey(project)
    await deliver()
    const alone = (await receiver.waitFor(3, path)).at(-1)
    if (!alone) throw new Error('nothing has come')
    verifyMessage(last.signing_secret, alone, keyturn.clock.now())
    expect(() => verifyMessage(fresh, alone, keyturn.clock.now())).toThrow('No matching signature')
  })

  it('keep their signing secrets encrypted, and show each once', async () => {
    const { org, id, secret } = await openScene()
    const { body: rotated } = await post(`/v1/channels/${id}/rotate-secret`)
    const { body: list } = await keyturn.request('GET', `/v1/organizations/${org}/channels`)
    const { body: one } = await keyturn.request('GET', `/v1/channels/${id}`)
    const { body: trail } = await keyturn.request('GET', `/v1/organizations/${org}/audit-events`)
    const { rows } = await sql<{ row: string }>`select c::text || encode(sealed_secret, 'escape') as row
      from channels c where id = ${id}`.execute(keyturn.database.reader)
    for (const value of [secret, rotated.signing_secret]) {
      const bare = value.replace('whsec_', '')
      for (const text of [JSON.stringify([list, one, trail, rows]), keyturn.log.join('')]) {
        expect(text).not.toContain(bare)
        expect(text).not.toContain(Buffer.from(bare).toString('hex'))
        expect(text).not.toContain(Buffer.from(bare, 'base64').toString('hex'))
      }
    }
    // Repeated under the same key the answer is the first one; with another key of idempotency it is another secret.
    const headers = { 'idempotency-key': `rotate-${id}` }
    const path = `/v1/channels/${id}/rotate-secret`
    const [first, second] = [
      await keyturn.request('POST', path, { headers }),
      await keyturn.request('POST', path, { headers }),
    ]
    expect(second.body).toEqual(first.body)
    keyturn.clock.advance(11 * minute)
    expect((await keyturn.request('POST', path, { headers })).body.signing_secret).toBeNull()
  })

  it('that hang hold up nobody else, and are not called more than four times at once', async () => {
    const slow = await openScene()
    const quick = `/${++made}`
    await createWebhook(slow.org, { url: `${receiver.url}${quick}` })
    const hanging: (() => void)[] = []
    let most = 0
    receiver.answer((response, { path }) => {
      if (path !== slow.path) return void response.writeHead(204).end()
      hanging.push(() => response.writeHead(204).end())
      most = Math.max(most, hanging.length)
    })
    await Promise.all(Array.from({ length: 20 }, () => keyturn.createKey(slow.project)))
    await sender.run()
    await receiver.waitFor(20, quick)
    await vi.waitFor(() => expect(hanging.length).toBe(4), { timeout: 10_000 })
    await keyturn.createKey(slow.project)
    await sender.run()
    await receiver.waitFor(21, quick)
    expect(at(slow.path)).toHaveLength(4)
    receiver.answer(answerWith(204))
    for (const go of hanging.splice(0)) go()
    await receiver.waitFor(21, slow.path)
    expect(most).toBe(4)
    await waitForStates(
      slow.id,
      Array.from({ length: 21 }, () => 'delivered 1'),
    )
  })

  it('arrive once each, however many nodes send at the same moment', async () => {
    const { project, path, id } = await openScene()
    const nodes = Array.from({ length: 4 }, newSender)
    const keys = Array.from({ length: 30 }, () => keyturn.createKey(project))
    await Promise.all([...keys, ...nodes.map((node) => node.run())])
    await Promise.all(nodes.map((node) => node.run()))
    await receiver.waitFor(30, path)
    for (const node of nodes) await node.stop()
    await waitForStates(
      id,
      Array.from({ length: 30 }, () => 'delivered 1'),
    )
    expect(new Set(at(path).map((one) => one.id)).size).toBe(30)
    expect(at(path)).toHaveLength(30)
  })

  it('tell of management keys as of any other, and say that they are such', async () => {
    const { org, path, secret } = await openScene({ events: ['key.created'] })
    const { key } = await keyturn.createManagementKey(org, { name: 'Terraform', owner: 'ada@example.com' })
    await deliver()
    const [one] = await receiver.waitFor(1, path)
    const told = one && verifyMessage(secret, one, keyturn.clock.now())
    expect(told?.data).toMatchObject({ key_id: key.id, name: 'Terraform', management: true, ends_at: key.expires_at })
  })

  it('are kept in the log for 90 days after they were finished, and those that wait for as long as it takes', async () => {
    const { project, id } = await openScene()
    await keyturn.createKey(project)
    await deliver()
    await waitForStates(id, ['delivered 1'])
    keyturn.clock.advance(89 * 24 * hour)
    await forgetOldDeliveries(keyturn.ground)
    expect(await deliveriesOf(id)).toHaveLength(1)
    receiver.answer(answerWith(503))
    await keyturn.createKey(project)
    await deliver()
    await waitForStates(id, ['pending 1', 'delivered 1'])
    keyturn.clock.advance(2 * 24 * hour)
    await forgetOldDeliveries(keyturn.ground)
    expect((await deliveriesOf(id)).map(({ state }) => state)).toEqual(['pending'])
    receiver.answer(answerWith(204))
  })

  it('carry names as they are, whatever is in them', async () => {
    const { project, path, secret } = await openScene()
    const names = [
      '"},"data":{"x":"',
      '<script>alert(1)</script>',
      '=cmd|calc',
      'الاسم 日本 🔑',
      'a\\u0000b',
      'x'.repeat(100),
    ]
    for (const name of names) await keyturn.createKey(project, { name })
    await deliver()
    const received = await receiver.waitFor(names.length, path)
    const told = received.map((one): string => verifyMessage(secret, one, keyturn.clock.now()).data.name)
    expect(told.toSorted()).toEqual(names.toSorted())
  })

  it('can be tested at any time, with what is of no use to anybody else', async () => {
    const { org, path, id, secret } = await openScene({ events: ['key.deleted'] })
    const tested = await post(`/v1/channels/${id}/test`)
    expect(tested).toMatchObject({
      status: 201,
      body: { mail_id: null, delivery: { type: testEvent, state: 'pending' } },
    })
    const [one] = await receiver.waitFor(1, path)
    if (!one) throw new Error('nothing has come')
    expect(one.id).toBe(tested.body.delivery.id)
    expect(verifyMessage(secret, one, keyturn.clock.now())).toMatchObject({
      type: testEvent,
      data: { organization_id: org },
    })
    await waitForStates(id, ['delivered 1'])
  })
})
