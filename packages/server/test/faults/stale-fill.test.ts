import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type NodeProcess, revokeAndWait, startNodes, until } from '../support/nodes.ts'

const isNotFeed = (applicationName: string) => applicationName !== 'keyturn-feed'

describe('a cold read that is held between its query and its answer', () => {
  test('while the key is revoked is not remembered: never VALID afterwards', async () => {
    const { running, first, slow } = await start()
    for (let round = 0; round < 3; round++) {
      const { key, secret } = await running.createKey()
      slow.proxy.holdAnswers(isNotFeed)
      const early = slow.verdict(secret.value)
      await until(() => slow.proxy.heldAnswers > 0, 5_000, 'the held answer')
      const { propagation, tookMs, at } = await revokeAndWait(first, key.id)
      expect(propagation.complete).toBe(true)
      expect(tookMs).toBeLessThan(1_000)
      expect(at).toBeGreaterThan(0)
      // Whoever asks now must not be told what was read before.
      const late = slow.verdict(secret.value)
      await pause(50)
      slow.proxy.speak()
      expect(await late).not.toBe('VALID')
      expect(await early).not.toBe('VALID')
      for (let turn = 0; turn < 5; turn++) expect(await slow.verdict(secret.value)).toBe('REVOKED')
    }
  })

  test('while the key is made is not remembered: no miss afterwards', async () => {
    const { running, slow } = await start()
    const { key } = await running.createKey()
    const value = `imported-${randomBytes(16).toString('hex')}`
    slow.proxy.holdAnswers(isNotFeed)
    const early = slow.verdict(value)
    await until(() => slow.proxy.heldAnswers > 0, 5_000, 'the held answer')
    await running.query(
      `with made as (
         insert into secrets (id, key_id, organization_id, slot, digest, hint, created_at, expires_at)
         select id || '_imported', key_id, organization_id, 'secondary', $2, 'imported', now(), expires_at
         from secrets where key_id = $1
       ) insert into outbox (changed_kind, changed_id) values ('key', $1)`,
      [key.id, createHash('sha256').update(value).digest()],
    )
    await applied(slow, running)
    slow.proxy.speak()
    await early
    expect(await slow.verdict(value)).toBe('VALID')
  })
})

async function start() {
  const running = await startNodes({ count: 2, maxStaleness: 60 })
  onTestFinished(() => running.stop())
  const [first, slow] = running.nodes
  if (!first || !slow) throw new Error('two nodes are needed')
  return { running, first, slow }
}

/** Until the node has reported that it has applied all there is. */
async function applied(node: NodeProcess, { query }: Awaited<ReturnType<typeof startNodes>>): Promise<void> {
  await until(async () => {
    const [row] = await query<{ done: boolean }>(
      'select applied_sequence = (select sequence from change_feed_head) as done from nodes where id = $1',
      [node.id],
    )
    return row?.done === true
  })
}
