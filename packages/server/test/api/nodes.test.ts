import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { version } from '../../src/http/version.ts'
import { NodeRegistry } from '../../src/verification/node-registry.ts'
import { anEngine } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { faultOf } from '../support/problems.ts'

describe.each(anEngine('PostgreSQL'))('nodes and how far a change has come, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine, { KEYTURN_MAX_STALENESS: '45' })
  })
  afterAll(() => keyturn.stop())

  const nodes = async () => (await keyturn.request('GET', '/v1/nodes')).body.data
  const revoked = async (wait: object) => {
    const { key } = await keyturn.createKey('default')
    const answer = await keyturn.request('POST', `/v1/keys/${key.id}/revoke`, { body: wait })
    return { status: answer.status, propagation: answer.body.propagation }
  }
  /** A node that registered and was never heard of again. */
  const addSilentNode = (appliedSequence: number, maxStalenessMs = 3_000) =>
    keyturn.database.reader
      .insertInto('nodes')
      .values({
        id: 'node_silent',
        version: '0.0.1',
        started_at: keyturn.database.reader.fn<number>('clock_timestamp'),
        heartbeat: 7,
        applied_sequence: appliedSequence,
        max_staleness_ms: maxStalenessMs,
      })
      .execute()
  const removeSilentNode = () => keyturn.database.reader.deleteFrom('nodes').where('id', '=', 'node_silent').execute()

  it('are listed with what they have applied, their lag, lease and version', async () => {
    const { propagation } = await revoked({ wait: 'propagated' })
    await addSilentNode(propagation.sequence - 1)
    const [own, silent] = (await nodes()).sort((one: { id: string }) => (one.id === 'node_silent' ? 1 : -1))
    expect(own).toEqual({
      id: expect.stringMatching(/^node_[0-9a-z]{26}$/),
      version,
      started_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      applied_sequence: propagation.sequence,
      lag: 0,
      lease: 45,
    })
    expect(silent).toMatchObject({ version: '0.0.1', applied_sequence: propagation.sequence - 1, lag: 1, lease: 3 })
    await removeSilentNode()
  })

  it('are for the root key alone', async () => {
    const { secret } = await keyturn.createManagementKey('default', { scopes: ['keys:read', 'verify'] })
    const answer = await keyturn.request('GET', '/v1/nodes', { key: secret.value })
    expect(faultOf(answer, { status: 403, code: 'root_key_required' })).toBeNull()
    const { propagation } = await revoked({ wait: 'propagated' })
    const read = await keyturn.request('GET', `/v1/propagations/${propagation.sequence}`, { key: secret.value })
    expect([read.status, read.body]).toEqual([200, { complete: true, sequence: propagation.sequence, pending: [] }])
  })

  it('that have not reported a change are told by name, with 202 once the wait is over, until they have', async () => {
    await addSilentNode(1)
    const { status, propagation } = await revoked({ wait: 'propagated', wait_timeout: 1 })
    expect([status, propagation]).toEqual([
      202,
      { complete: false, sequence: expect.any(Number), pending: ['node_silent'], offline_until: null },
    ])
    const path = `/v1/propagations/${propagation.sequence}`
    // What is said of offline verifiers is of the revocation, not of the change.
    const { offline_until: _, ...state } = propagation
    expect((await keyturn.request('GET', path)).body).toEqual(state)
    const unwaited = await revoked({})
    expect([unwaited.status, unwaited.propagation.complete]).toEqual([200, false])
    await keyturn.database.reader
      .updateTable('nodes')
      .set({ applied_sequence: propagation.sequence })
      .where('id', '=', 'node_silent')
      .execute()
    expect((await keyturn.request('GET', path)).body).toEqual({ ...state, complete: true, pending: [] })
    await removeSilentNode()
  })

  it('that fell silent are removed after twice their lease, and not before', async () => {
    await addSilentNode(1, 20)
    const registry = new NodeRegistry(keyturn.database.reader, keyturn.clock)
    const seenAt = performance.now()
    expect(await registry.removeSilent()).toEqual([])
    await expect.poll(() => registry.removeSilent(), { interval: 5 }).toEqual(['node_silent'])
    expect(performance.now() - seenAt).toBeGreaterThan(40)
    expect((await nodes()).map((node: { id: string }) => node.id)).not.toContain('node_silent')
  })

  it('a change that nobody has made yet is not found', async () => {
    const { propagation } = await revoked({})
    const answer = await keyturn.request('GET', `/v1/propagations/${propagation.sequence + 1_000}`)
    expect(faultOf(answer, { status: 404, code: 'propagation_not_found' })).toBeNull()
  })

  it.each(['0', '-1', '1.5', 'x', '0x10', '1e3', '%20', '%201', '+1', '9007199254740992', '99999999999999999999'])(
    '%s is no number of a change',
    async (sequence) => {
      const answer = await keyturn.request('GET', `/v1/propagations/${sequence}`)
      expect(faultOf(answer, { status: 400, code: 'invalid_request', path: 'sequence' })).toBeNull()
    },
  )
})
