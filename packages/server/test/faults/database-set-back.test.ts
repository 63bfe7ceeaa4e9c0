import { setTimeout as pause } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { type Nodes, revokeAndWait, startNodes, until, VerifyLoad } from '../support/nodes.ts'

test('nodes go by what a database that was set back says now, also where new changes have reached the same sequence', async () => {
  const running = await start(2)
  const [first] = running.nodes
  if (!first) throw new Error('a node is needed')
  const [restored, other] = [await running.createKey(), await running.createKey()]
  for (const node of running.nodes)
    for (const { secret } of [restored, other]) expect(await node.verdict(secret.value)).toBe('VALID')

  // Lost: the disabling of a key. And a node that saw it must not go by it any more.
  const before = await head(running)
  await first.request('POST', `/v1/keys/${restored.key.id}/disable`, {})
  for (const node of running.nodes) await until(async () => (await node.verdict(restored.secret.value)) === 'DISABLED')
  await setBack(running, before, restored.key.id)
  for (const node of running.nodes)
    await until(async () => (await node.verdict(restored.secret.value)) === 'VALID', 2_000, 'what the database says')

  // As above, but when the nodes look, the feed is as long as they know it, and another.
  await first.request('POST', `/v1/keys/${restored.key.id}/disable`, {})
  for (const node of running.nodes) await until(async () => (await node.verdict(restored.secret.value)) === 'DISABLED')
  await setBack(running, before, restored.key.id, other.key.id)
  for (const node of running.nodes) {
    await until(async () => (await node.verdict(restored.secret.value)) === 'VALID', 2_000, 'what the database says')
    await until(async () => (await node.verdict(other.secret.value)) === 'DISABLED', 2_000, 'what the database says')
  }

  // They are nodes like any other again.
  const next = await running.createKey()
  for (const node of running.nodes) expect(await node.verdict(next.secret.value)).toBe('VALID')
  const { propagation, tookMs, at } = await revokeAndWait(first, next.key.id)
  expect(propagation.complete).toBe(true)
  // There might have been nodes that the database knows nothing of: their lease is waited for.
  expect(tookMs).toBeLessThan(running.maxStalenessMs * 1.01 + 5_000 + 2_000)
  expect(at).toBeGreaterThan(0)
  for (const node of running.nodes) expect(await node.verdict(next.secret.value)).toBe('REVOKED')
  await until(async () => (await waitedFor(running)) < 1_000, 30_000, 'a wait without unknown nodes')
})

test('a node that is cut off while the database loses its row is waited for all the same', async () => {
  const running = await start(2)
  const [first, lost] = running.nodes
  if (!first || !lost) throw new Error('two nodes are needed')
  const key = await running.createKey()
  const before = await head(running)
  const forgotten = await running.createKey()
  for (const { secret } of [key, forgotten]) expect(await lost.verdict(secret.value)).toBe('VALID')
  lost.proxy.silence()
  const load = new VerifyLoad([lost], [key.secret.value])
  onTestFinished(() => load.stop())
  await setBack(running, before, key.key.id, undefined, [lost.id])

  const { propagation, tookMs, at } = await revokeAndWait(first, key.key.id)
  expect(propagation.complete).toBe(true)
  expect(tookMs).toBeGreaterThan(running.maxStalenessMs - 500)
  await pause(500)
  lost.proxy.speak()
  await until(() => load.codesSince(at, key.secret.value).has('REVOKED'), 15_000, 'the truth')
  await load.stop()
  expect(load.codesSince(at, key.secret.value)).not.toContain('VALID')
})

async function start(count: number): Promise<Nodes> {
  const running = await startNodes({ count })
  onTestFinished(() => running.stop())
  return running
}

async function head({ query }: Nodes): Promise<number> {
  const [row] = await query<{ sequence: string }>('select sequence from change_feed_head')
  return Number(row?.sequence)
}

async function waitedFor(running: Nodes): Promise<number> {
  const [first] = running.nodes
  if (!first) throw new Error('a node is needed')
  const { key } = await running.createKey()
  return (await revokeAndWait(first, key.id)).tookMs
}

/** As after the restore of a copy: the feed ends where it did, a key is as it was, and perhaps something else has happened since. */
async function setBack(
  { query }: Nodes,
  sequence: number,
  restoredKey: string,
  disabledKey?: string,
  lostNodes: string[] = [],
): Promise<void> {
  await query(
    `with feed as (delete from change_feed where sequence > $1), head as (update change_feed_head set sequence = $1),
       restored as (update keys set state = 'active' where id = $2),
       disabled as (update keys set state = 'disabled' where id = $3),
       lost as (delete from nodes where id = any($4))
     insert into outbox (changed_kind, changed_id) select 'key', $3 where $3 is not null`,
    [sequence, restoredKey, disabledKey ?? null, lostNodes],
  )
}
