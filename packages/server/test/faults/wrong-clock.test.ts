import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { revokeAndWait, type Seen, startNodes, until, VerifyLoad } from '../support/nodes.ts'

const hourMs = 3_600_000
const shiftedClock = pathToFileURL(path.resolve(import.meta.dirname, '../support/shifted-clock.mjs')).href
/** Of the three nodes: right, an hour ahead, an hour behind. */
const shifts = [0, hourMs, -hourMs]

test('a node whose wall clock is an hour off, from the start or all of a sudden, ends keys on the second and never outlives its lease', async () => {
  const running = await startNodes({
    count: 3,
    preload: (index) => `${shiftedClock}?shift=${shifts[index] ?? 0}`,
  })
  onTestFinished(() => running.stop())
  const [right, ahead, behind] = running.nodes
  if (!right || !ahead || !behind) throw new Error('three nodes are needed')
  const lasting = await running.createKey()
  const ending = await running.createKey({ expires_in: 3 })
  const load = new VerifyLoad(running.nodes, [lasting.secret.value, ending.secret.value])
  onTestFinished(() => load.stop())
  await until(() => load.codesSince(0, ending.secret.value).has('EXPIRED'))
  expectEndOnTheSecond(load.seen, ending)

  // In mid-run, both ways, under load, while another key comes to its end.
  const next = await running.createKey({ expires_in: 3 })
  const nextLoad = new VerifyLoad(running.nodes, [next.secret.value])
  onTestFinished(() => nextLoad.stop())
  await until(() => running.nodes.every((node) => nextLoad.codesSince(0, next.secret.value, node).has('VALID')))
  right.signal('SIGUSR2')
  ahead.signal('SIGHUP')
  behind.signal('SIGHUP')
  await until(() => running.nodes.every((node) => nextLoad.codesSince(0, next.secret.value, node).has('EXPIRED')))
  await nextLoad.stop()
  expectEndOnTheSecond(nextLoad.seen, next)
  await load.stop()
  expect(load.codesSince(0, lasting.secret.value)).toEqual(new Set(['VALID']))

  // A clock that is set back does not make a lease longer.
  const last = await running.createKey()
  for (const node of running.nodes) expect(await node.verdict(last.secret.value)).toBe('VALID')
  ahead.proxy.silence()
  const cutOff = new VerifyLoad([ahead], [last.secret.value])
  onTestFinished(() => cutOff.stop())
  ahead.signal('SIGHUP')
  const revoked = await revokeAndWait(right, last.key.id)
  expect(revoked.propagation.complete).toBe(true)
  ahead.signal('SIGHUP')
  await until(() => cutOff.codesSince(revoked.at, last.secret.value).size > 0)
  ahead.proxy.speak()
  await until(() => cutOff.codesSince(revoked.at, last.secret.value).has('REVOKED'))
  await cutOff.stop()
  expect(cutOff.codesSince(revoked.at, last.secret.value)).not.toContain('VALID')
  await until(async () => (await ahead.verdict(lasting.secret.value)) === 'VALID')
})

// Nothing is ever ended early; a node knows the time of the database as exactly as its looks are quick.
const lateMs = 300

function expectEndOnTheSecond(
  seen: readonly Seen[],
  { key, secret }: { key: { expires_at: string | null }; secret: { value: string } },
) {
  const end = Date.parse(key.expires_at ?? '')
  const about = seen.filter((one) => one.value === secret.value)
  const atWall = (moment: number) => moment + performance.timeOrigin + drift()
  const late = about.filter((one) => one.code === 'VALID' && atWall(one.sentAt) > end + lateMs)
  const early = about.filter((one) => one.code !== 'VALID' && atWall(one.answeredAt) < end)
  expect(late.map((one) => atWall(one.sentAt) - end)).toEqual([])
  expect(early.map((one) => [one.code, atWall(one.answeredAt) - end])).toEqual([])
  for (const code of ['VALID', 'EXPIRED']) expect(about.map((one) => one.code)).toContain(code)
}

/** Between this process's wall clock, which is the database's, and its monotonic one. */
const drift = () => Date.now() - (performance.timeOrigin + performance.now())
