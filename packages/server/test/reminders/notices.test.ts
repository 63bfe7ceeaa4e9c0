import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { type Mailbox, openMailbox, type ReceivedMail } from '../support/mailbox.ts'
import { addMember, newEmail } from '../support/people.ts'
import { Reminding } from '../support/reminding.ts'

const minute = 60_000
const day = 86_400_000

describe.each(engines)('notices and lists for review, on $name', (engine) => {
  let keyturn: Keyturn
  let mailbox: Mailbox
  let reminding: Reminding
  let org: string
  let project: string
  const [administrator, second] = [newEmail('admin'), newEmail('admin')]
  beforeAll(async () => {
    mailbox = await openMailbox()
    keyturn = await openKeyturn(engine, { SMTP_URL: mailbox.url })
    reminding = new Reminding(keyturn, mailbox)
    org = (await keyturn.createOrganization({ name: 'Globex' })).id
    project = (await keyturn.createProject(org)).id
    await addMember(keyturn, org, administrator, 'owner')
    await addMember(keyturn, org, second, 'admin')
    await reminding.tend()
  })
  afterAll(async () => {
    await keyturn.stop()
    await mailbox.stop()
  })
  const subjectsTo = (mails: readonly ReceivedMail[], address: string) =>
    mails.filter(({ recipients }) => recipients.includes(address)).map(({ email }) => email.subject)
  /** One minute after another, as a node does it. */
  async function tendFor(minutes: number): Promise<ReceivedMail[]> {
    const mails: ReceivedMail[] = []
    for (let passed = 0; passed <= minutes; passed++) {
      mails.push(...(await reminding.tend()))
      reminding.pass(minute)
    }
    return mails
  }

  it('what was done to keys is told to owner and administrators, after five minutes, in one mail each', async () => {
    const owner = newEmail('owner')
    const make = async (name: string) => (await keyturn.createKey(project, { name, owner })).key.id
    const [first, , third] = [await make('Zapier'), await make('Shopify'), await make('Warehouse')]
    expect(await tendFor(2)).toEqual([])
    await keyturn.request('POST', `/v1/keys/${first}/rotate`, { body: {} })
    await keyturn.request('POST', `/v1/keys/${third}/revoke`, { body: { reason: 'posted in public' } })
    await keyturn.request('POST', `/v1/keys/${first}/disable`)
    const mails = await tendFor(6)
    for (const address of [owner, administrator, second])
      expect(subjectsTo(mails, address)).toEqual(['3 keys: 3 created, 1 rotated, 1 revoked'])
    expect(mails).toHaveLength(3)
    expect(mails[0]?.email.text).toContain('posted in public')
    expect(new Set(mails.map(({ email }) => email.messageId)).size).toBe(3)
    expect(await tendFor(10)).toEqual([])
  })

  it('several nodes at once tell it once, and one alone is told by its name', async () => {
    const { key } = await keyturn.createKey(project, { name: 'Stripe bridge', owner: administrator })
    await keyturn.request('POST', `/v1/keys/${key.id}/extend`, { body: { expires_in: 500 * 86_400 } })
    await Promise.all([reminding.tend(), reminding.tend(), reminding.tend()])
    const before = mailbox.mails.length
    reminding.pass(6 * minute)
    await Promise.all([reminding.tend(), reminding.tend(), reminding.tend()])
    const mails = mailbox.mails.slice(before)
    expect(subjectsTo(mails, administrator)).toEqual(['1 key: 1 created, 1 extended'])
    expect(subjectsTo(mails, second)).toHaveLength(1)
  })

  it('keys that are due for review come to administrators as one list, not more often than once in seven days', async () => {
    reminding.pass(91 * day)
    const lists: [number, number][] = []
    for (let passed = 0; passed < 16; passed++) {
      const mails = await reminding.tend()
      const about = mails.filter(({ email }) => email.subject?.includes('due for review'))
      if (about.length > 0) lists.push([passed, about.length])
      reminding.pass(day)
    }
    expect(lists.map(([, count]) => count)).toEqual([2, 2, 2])
    const days = lists.map(([passed]) => passed)
    for (const [place, passed] of days.entries()) expect(passed - (days[place - 1] ?? -7)).toBeGreaterThanOrEqual(7)
    const findings = await keyturn.request('GET', `/v1/organizations/${org}/findings?code=review_due`)
    for (const { key_id } of findings.body.data) await keyturn.request('POST', `/v1/keys/${key_id}/review`)
    reminding.pass(8 * day)
    expect((await reminding.tend()).filter(({ email }) => email.subject?.includes('review'))).toEqual([])
  })
})
