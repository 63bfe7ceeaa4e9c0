import { expect, onTestFinished, test } from 'vitest'
import { revokeAndWait, startNodes, until, VerifyLoad } from '../support/nodes.ts'
import { pause } from './calls.ts'

test('a node that was paused for longer than its lease answers nothing by what it knew before, whatever waits for it when it wakes', async () => {
  const running = await startNodes({ count: 2 })
  onTestFinished(() => running.stop())
  const [first, paused] = running.nodes
  if (!first || !paused) throw new Error('two nodes are needed')
  const { key, secret } = await running.createKey()
  const other = await running.createKey()
  for (const { value } of [secret, other.secret]) expect(await paused.verdict(value)).toBe('VALID')
  const load = new VerifyLoad([paused], [secret.value, other.secret.value], 8)
  onTestFinished(() => load.stop())
  await until(() => load.seen.length > 200)

  // In the midst of answers.
  paused.signal('SIGSTOP')
  const revoked = await revokeAndWait(first, key.id)
  expect(revoked.propagation.complete).toBe(true)
  expect(revoked.tookMs).toBeGreaterThan(running.maxStalenessMs)
  const sentDuringPause = Promise.all(Array.from({ length: 50 }, () => paused.verdict(secret.value)))
  const more = new VerifyLoad([paused], [secret.value], 8)
  onTestFinished(() => more.stop())
  await pause(300)
  paused.signal('SIGCONT')

  expect(new Set(await sentDuringPause)).not.toContain('VALID')
  await until(() => more.codesSince(revoked.at, secret.value).has('REVOKED'))
  await until(async () => (await paused.verdict(other.secret.value)) === 'VALID')
  await Promise.all([load.stop(), more.stop()])
  for (const { codesSince } of [load, more].map((one) => ({ codesSince: one.codesSince.bind(one) })))
    expect(codesSince(revoked.at, secret.value)).not.toContain('VALID')
})
