import { expect, onTestFinished, test } from 'vitest'
import { createMovableDatabase } from '../support/movable-database.ts'
import { startNodes } from '../support/nodes.ts'
import { answerWith, openReceiver, verifyMessage } from '../support/receiver.ts'

test('a webhook whose sender is killed between the post and its mark is sent again by another node, under the same id', async () => {
  const database = await createMovableDatabase()
  onTestFinished(() => database.drop())
  const receiver = await openReceiver(() => {})
  onTestFinished(() => receiver.stop())
  const environment = { KEYTURN_WEBHOOK_ALLOW_PRIVATE: '127.0.0.1' }
  const running = await startNodes({ count: 2, databaseUrl: database.url, environment })
  onTestFinished(() => running.stop())
  const [killed, other] = running.nodes
  if (!killed || !other) throw new Error('two nodes are needed')

  const { body: made } = await killed.request('POST', '/v1/organizations/default/channels', {
    kind: 'webhook',
    url: receiver.url,
  })
  other.signal('SIGSTOP')
  await killed.request('POST', '/v1/projects/default/keys', { name: 'Zapier' })
  const [first] = await receiver.waitFor(1)
  killed.signal('SIGKILL')
  await killed.ended
  receiver.answer(answerWith(204))
  other.signal('SIGCONT')
  // Its lease holds for a minute: nobody can know sooner that it is not at it any more.
  await database.advance(61_000)
  const [, again] = await receiver.waitFor(2)
  expect(again?.id).toBe(first?.id)
  expect(again?.body).toBe(first?.body)
  if (again) verifyMessage(made.signing_secret, again, Date.now() + 61_000)
  await expect
    .poll(() => running.query('select state, attempts from deliveries'), { timeout: 10_000 })
    .toEqual([{ state: 'delivered', attempts: 2 }])
})
