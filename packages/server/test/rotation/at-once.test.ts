import type { ErrorCode, Key } from '@keyturn/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toProblem } from '../../src/http/error-map.ts'
import { DomainError } from '../../src/kernel/errors.ts'
import { SecretValue } from '../../src/kernel/secret-value.ts'
import { disableKey, enableKey } from '../../src/keys/disable-key.ts'
import { revokeKey } from '../../src/keys/revoke-key.ts'
import type { Call } from '../../src/people/call.ts'
import { claimSecret } from '../../src/rotation/claim-secret.ts'
import { extendKey } from '../../src/rotation/extend-key.ts'
import {
  cancelRotation,
  finishRotation,
  promoteSecret,
  revokeSecret,
  rotateKey,
  stageSecret,
} from '../../src/rotation/rotate-key.ts'
import { rotateOwnKey } from '../../src/rotation/rotate-own-key.ts'
import { expectTold } from '../support/audit-replay.ts'
import { anEngine } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { must, type PreparedKey, prepareKey, type Situation, situationOf } from '../support/rotation.ts'

const day = 86_400

interface Prepared extends PreparedKey {
  /** One claim link for each of the two. */
  readonly tokens: readonly SecretValue[]
}

interface Operation {
  readonly name: string
  /** Where it is allowed. */
  readonly from: readonly Situation[]
  /** What it is told where it is not. */
  readonly refused: Partial<Record<Situation, ErrorCode>>
  /** On whether the key works; it has nothing to do with its secrets. */
  readonly isOfKey?: true
  /** Without a link or a holder it may be done to a disabled key. */
  readonly whileDisabled?: ErrorCode
  /** @param turn of the two: 0 or 1 */
  run(call: Call, prepared: Prepared, turn: number): Promise<unknown>
}

const staged = 'secondary_staged'
const rotating = 'rotation_in_progress'
const everywhere = ['Z', 'A', 'B', 'C'] as const

const operations: readonly Operation[] = [
  {
    name: 'rotate',
    from: ['Z', 'A'],
    refused: { B: staged, C: rotating },
    run: (call, { key }) => rotateKey(call, key.id, {}),
  },
  {
    name: 'rotate without an overlap',
    from: ['Z', 'A'],
    refused: { B: staged, C: rotating },
    run: (call, { key }) => rotateKey(call, key.id, { overlap: 0 }),
  },
  {
    name: 'rotate with force',
    from: everywhere,
    refused: {},
    run: (call, { key }) => rotateKey(call, key.id, { force: true }),
  },
  {
    name: 'stage',
    from: ['A'],
    refused: { Z: 'no_live_secret', B: staged, C: rotating },
    run: (call, { key }) => stageSecret(call, key.id, {}),
  },
  {
    name: 'promote',
    from: ['B'],
    refused: { A: 'nothing_staged', C: rotating },
    run: (call, { key }) => promoteSecret(call, key.id, {}),
  },
  {
    name: 'finish',
    from: ['C'],
    refused: { A: 'no_rotation_in_progress', B: staged },
    run: (call, { key }) => finishRotation(call, key.id, {}),
  },
  {
    name: 'cancel',
    from: ['B', 'C'],
    refused: { A: 'no_rotation_in_progress' },
    run: (call, { key }) => cancelRotation(call, key.id, {}),
  },
  {
    name: 'extend the primary',
    from: ['A', 'B', 'C'],
    refused: { Z: 'no_live_secret' },
    run: (call, { key }, turn) => extendKey(call, key.id, { expires_in: (500 + turn) * day }),
  },
  {
    name: 'extend the secondary',
    from: ['B', 'C'],
    refused: { A: 'no_live_secret' },
    run: (call, { key }, turn) => extendKey(call, key.id, { slot: 'secondary', expires_in: (11 + turn) * day }),
  },
  {
    name: 'revoke the primary',
    from: ['B', 'C'],
    refused: { A: 'last_live_secret' },
    run: (call, { key }) => revokeSecret(call, key.id, 'primary', null),
  },
  {
    name: 'revoke the secondary',
    from: ['B', 'C'],
    refused: { A: 'no_live_secret' },
    run: (call, { key }) => revokeSecret(call, key.id, 'secondary', null),
  },
  {
    name: 'claim',
    from: ['Z', 'A'],
    refused: { B: staged, C: rotating },
    whileDisabled: 'key_disabled',
    run: (call, { tokens }, turn) => claimSecret(call, tokens[turn] ?? new SecretValue(''), call),
  },
  {
    name: 'self/rotate',
    from: ['A', 'C'],
    refused: { B: staged },
    whileDisabled: 'invalid_token',
    run: (call, { key, old }) => rotateOwnKey(call, { keyId: key.id, secretId: old.id }),
  },
  {
    name: 'revoke the key',
    from: everywhere,
    refused: {},
    isOfKey: true,
    run: (call, { key }) => revokeKey(call, key.id, null),
  },
  { name: 'disable', from: everywhere, refused: {}, isOfKey: true, run: (call, { key }) => disableKey(call, key.id) },
]

const enable: Operation = {
  name: 'enable',
  from: everywhere,
  refused: {},
  isOfKey: true,
  run: (call, { key }) => enableKey(call, key.id),
}

/** What `second` is told where `first` was done just before; null: it is done, too. */
function refusalAfter(first: Operation, second: Operation, after: Key, { old }: PreparedKey): ErrorCode | null {
  if (first.name === 'revoke the key') return second.name === 'revoke the key' ? null : 'key_revoked'
  if (first.name === 'disable') return second.whileDisabled ?? null
  if (first.isOfKey || second.isOfKey) return null
  const oldLives = after.secrets.some(({ id, status }) => id === old.id && status === 'live')
  if (second.name === 'self/rotate' && !oldLives) return 'invalid_token'
  return second.refused[situationOf(after)] ?? 'key_changed'
}

/** Each has read what it decides upon before either may change anything. */
function bothReady(call: Call): Call {
  const ready = Promise.withResolvers<void>()
  let waiting = 0
  return {
    ...call,
    change: async (work) => {
      waiting += 1
      if (waiting === 2) ready.resolve()
      await ready.promise
      return call.change(work)
    },
  }
}

/** Each with itself, too. */
const pairsFrom = (situation: Situation): [string, Operation, Operation][] => {
  const allowed = operations.filter(({ from }) => from.includes(situation))
  const pairs = allowed.flatMap((one, index) => allowed.slice(index).map((other) => [one, other] as const))
  return pairs.map(([one, other]) => [`${one.name} and ${other.name}`, one, other])
}

describe.each(anEngine('PostgreSQL'))('of two operations at once on one key, on $name', (engine) => {
  let keyturn: Keyturn
  let project: string
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    const { id } = await keyturn.createOrganization()
    await keyturn.request('PATCH', `/v1/organizations/${id}`, { body: { policy: { max_active_keys: 10_000 } } })
    project = (await keyturn.createProject(id)).id
  })
  afterAll(() => keyturn.stop())

  const read = async ({ key }: PreparedKey): Promise<Key> => (await keyturn.request('GET', `/v1/keys/${key.id}`)).body

  async function prepare(situation: Situation, forClaims: boolean): Promise<Prepared> {
    // Links are made where none is refused: of a key with one secret, or none.
    const makeLinks = async (key: Pick<Key, 'id'>) => {
      if (!forClaims) return []
      const links = [1, 2].map(() => keyturn.request('POST', `/v1/keys/${key.id}/claim-links`))
      return (await Promise.all(links)).map(({ body }) => new SecretValue(String(body.url).split('/').at(-1) ?? ''))
    }
    // A staged one that ends soon can be extended as far as a retiring one.
    const wanted = situation === 'B' ? { expires_in: 10 * day } : {}
    const prepared = await prepareKey(keyturn, project, situation, { scopes: ['self:rotate'] }, wanted)
    return { ...prepared, tokens: await makeLinks(prepared.key) }
  }

  /** @returns of each why it was refused; null: it was done */
  async function refusalsOf(prepared: Prepared, pair: readonly Operation[]): Promise<(DomainError | null)[]> {
    const call = bothReady(keyturn.rootCall)
    const outcomes = await Promise.allSettled(pair.map((operation, turn) => operation.run(call, prepared, turn)))
    return outcomes.map((outcome) => {
      if (outcome.status === 'fulfilled') return null
      if (outcome.reason instanceof DomainError) return outcome.reason
      throw outcome.reason
    })
  }

  const runBoth = async (prepared: Prepared, pair: readonly Operation[]): Promise<(ErrorCode | null)[]> =>
    (await refusalsOf(prepared, pair)).map((refusal) => refusal?.code ?? null)

  const openLinks = async ({ key }: Prepared) => {
    const { data } = (await keyturn.request('GET', `/v1/keys/${key.id}/claim-links`)).body
    return data.filter((link: { status: string }) => link.status === 'open').length
  }

  describe.each(everywhere)('from %s', (situation) => {
    it.each(pairsFrom(situation))(
      '%s: one wins, the other is told why not, nothing is half done',
      async (_, one, other) => {
        const claims = [one, other].filter(({ name }) => name === 'claim').length
        const prepared = await prepare(situation, claims > 0)
        expect(situationOf(prepared.key)).toBe(situation)
        const told = await runBoth(prepared, [one, other])
        const after = await read(prepared)
        // Of two that move the same end, the second goes further.
        const extendsTwice = one === other && one.name.startsWith('extend')
        expect([
          [null, refusalAfter(one, other, after, prepared)],
          [extendsTwice ? 'would_shorten' : refusalAfter(other, one, after, prepared), null],
        ]).toContainEqual(told)
        await expectTold(keyturn, after)
        if (claims === 0) return
        const claimed = [one, other].filter(({ name }, turn) => name === 'claim' && told[turn] === null).length
        expect(await openLinks(prepared)).toBe(2 - claimed)
      },
    )

    it.each(operations.filter(({ from, whileDisabled }) => from.includes(situation) && whileDisabled === undefined))(
      'enable and $name of a disabled key are both done, but for what a revoked one refuses',
      async (operation) => {
        const prepared = await prepare(situation, false)
        await must(keyturn.request('POST', `/v1/keys/${prepared.key.id}/disable`))
        const told = await runBoth(prepared, [enable, operation])
        const after = await read(prepared)
        expect([
          [null, null],
          [operation.name === 'revoke the key' ? 'key_revoked' : null, null],
        ]).toContainEqual(told)
        await expectTold(keyturn, after)
      },
    )
  })
  it('the other is told what happened, and what may be done now', async () => {
    const prepared = await prepare('A', false)
    const pair = operations.filter(({ name }) => name === 'rotate with force')
    const refusal = (await refusalsOf(prepared, [...pair, ...pair])).find((one) => one !== null)
    if (!refusal) throw new Error('both were done')
    const { last_action } = await read(prepared)
    const problem = toProblem(refusal, 'req_test')
    expect(problem).toMatchObject({
      status: 409,
      code: 'key_changed',
      last_action: 'key.rotated',
      at: last_action.at,
      operations: ['finish', 'cancel'],
    })
    expect(Date.parse(String(problem['until']))).toBeGreaterThanOrEqual(Date.parse(last_action.at))
    expect(problem.detail).toContain(`key.rotated, at ${last_action.at}. `)
    expect(problem.detail).toContain('finish, cancel')
  })
})
