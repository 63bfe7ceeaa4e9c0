import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { linkIn, type Mailbox, openMailbox } from '../../packages/server/test/support/mailbox.ts'
import { accept, newEmail, setUpOwner } from '../../packages/server/test/support/people.ts'
import { answerWith, openReceiver, type Receiver, verifyMessage } from '../../packages/server/test/support/receiver.ts'
import {
  expectAccessible,
  expectNowhere,
  headingOf,
  type OpenConsole,
  openConsole,
  press,
  settled,
  showIn,
  type Watched,
} from './console.ts'

describe('channels and the outbox in the console', () => {
  let opened: OpenConsole
  let owner: Watched
  let mailbox: Mailbox
  let receiver: Receiver
  const state = { channelUrl: '', secret: '', mailUrl: '' }
  beforeAll(async () => {
    mailbox = await openMailbox()
    receiver = await openReceiver(answerWith(200, {}, 'thank you'))
    opened = await openConsole({ SMTP_URL: mailbox.url, KEYTURN_WEBHOOK_ALLOW_PRIVATE: '127.0.0.0/8' })
    owner = await opened.openAs(await setUpOwner(opened.keyturn))
  })
  afterAll(async () => {
    await opened.close()
    await receiver.stop()
    await mailbox.stop()
  })
  const at = (path: string) => `${opened.keyturn.url}/console/default${path}`
  const result = (page: Page) => page.getByTestId('test-result')
  const takeSigningSecret = async (page: Page) => {
    const value = (await page.getByTestId('signing-secret').textContent()) ?? ''
    await expectNowhere(page, value)
    await page.getByLabel('I have saved it').check()
    await page.getByRole('button', { name: 'Close', exact: true }).click()
    await page.getByTestId('signing-secret').waitFor({ state: 'detached' })
    expect(await page.content()).not.toContain(value)
    return value
  }

  it('says in words when who is told, and keeps the mailbox of the team; a wrong address is refused, and stays', async () => {
    const { page } = owner
    await page.goto(at('/settings'))
    await page.getByRole('navigation', { name: 'Settings' }).getByText('Reminders and channels').click()
    await page.getByText('60 days, 30 days, 14 days, 7 days, 3 days and 1 day before an end').waitFor()
    const mailboxField = page.getByLabel('Mailbox of the team')
    await mailboxField.fill('keys@nowhere')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('alert').first().waitFor()
    expect(await mailboxField.inputValue()).toBe('keys@nowhere')
    await mailboxField.fill('keys@example.com')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saved.').waitFor()
    const organization = await opened.keyturn.request('GET', '/v1/organizations/default')
    expect(organization.body.notification_email).toBe('keys@example.com')
    expect(owner.failures.splice(0).filter((one) => !/^400 |status of 400/.test(one))).toEqual([])
  })

  it('adds a webhook that is told of what was chosen, and shows its signing secret once; a wrong URL stays to be mended', async () => {
    const { page } = owner
    await page.getByText('No channel yet').waitFor()
    await press(page, 'Add a channel')
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('textbox', { name: 'URL' }).fill('http://10.0.0.1/hooks')
    await dialog.getByLabel(/Tell it of everything/).uncheck()
    await dialog.getByLabel('A reminder is due').uncheck()
    await press(page, 'Add it')
    await dialog.getByRole('alert').waitFor()
    expect(await dialog.getByRole('textbox', { name: 'URL' }).inputValue()).toBe('http://10.0.0.1/hooks')
    await dialog.getByRole('textbox', { name: 'URL' }).fill(`${receiver.url}/hooks`)
    await press(page, 'Add it')
    state.secret = await takeSigningSecret(page)
    expect(state.secret).toMatch(/^whsec_/)
    await page.getByRole('link', { name: `${receiver.url}/hooks` }).click()
    await headingOf(page).getByText('/hooks').waitFor()
    state.channelUrl = page.url()
    expect(await page.getByText('key.revoked').count()).toBe(1)
    expect(await page.getByText('key.expiring').count()).toBe(0)
    expect(owner.failures.splice(0).filter((one) => !/^4\d\d |status of 4\d\d/.test(one))).toEqual([])
  })

  it('sends a test that the receiver can verify, and says what it answered', async () => {
    const { page } = owner
    await press(page, 'Send a test')
    await result(page).getByText('Delivered').waitFor()
    expect(await result(page).textContent()).toBe('Delivered: it said 200: thank you')
    const [received] = await receiver.waitFor(1)
    if (!received) throw new Error('nothing was received')
    expect(verifyMessage(state.secret, received, opened.keyturn.clock.now()).type).toBe('channel.test')
    await page
      .getByRole('row', { name: /channel\.test/ })
      .getByText('Delivered')
      .waitFor()
    expect(owner.failures).toEqual([])
  })

  it('says of a receiver that takes nothing what it said, when it is tried again, and each attempt with its answer', async () => {
    const { page } = owner
    receiver.answer(answerWith(503, {}, 'closed for lunch'))
    await press(page, 'Send a test')
    await result(page).getByText('it is tried again').waitFor()
    expect(await result(page).textContent()).toContain('it said 503: closed for lunch')
    const row = page.getByRole('row', { name: /channel\.test/ }).first()
    await row.getByText('Tried again').waitFor()
    expect(await row.textContent()).toMatch(/in \d+ \w+|in a moment/)
    await row.getByRole('button', { name: 'Show channel.test' }).click()
    await page.getByText('"type":"channel.test"').waitFor()
    await page.locator('pre').getByText('closed for lunch').waitFor()
    expect(owner.failures).toEqual([])
  })

  it('is off once its receiver is gone; on again, what was given up is sent again and arrives', async () => {
    const { page } = owner
    receiver.answer(answerWith(410))
    await press(page, 'Send a test')
    await page.getByText('Off: its receiver said that it is gone').waitFor()
    receiver.answer(answerWith(204))
    await press(page, 'Switch it on')
    await page.getByText('Given up', { exact: true }).nth(1).waitFor()
    await page.getByLabel('State').getByText('Given up').click()
    await page.waitForURL(/state=dead/)
    await page.getByRole('button', { name: 'Send channel.test again' }).first().click()
    await page.getByLabel('State').getByText('Delivered').click()
    await page.waitForURL(/state=delivered/)
    await page.getByRole('row', { name: /it said 204/ }).waitFor()
    expect(owner.failures).toEqual([])
  })

  it('rotates the signing secret: until a moment that is said, both sign', async () => {
    const { page } = owner
    await page.goto(state.channelUrl)
    await press(page, 'Rotate it…')
    await page.getByRole('dialog').getByRole('button', { name: 'Rotate it' }).click()
    const fresh = await takeSigningSecret(page)
    await page.getByText(/The old and the new one both sign until \w+, \d+ \w+ \d{4}/).waitFor()
    const before = receiver.received.length
    await press(page, 'Send a test')
    await result(page).getByText('Delivered').waitFor()
    const newest = (await receiver.waitFor(before + 1)).at(-1)
    if (!newest) throw new Error('nothing was received')
    for (const secret of [fresh, state.secret])
      expect(verifyMessage(secret, newest, opened.keyturn.clock.now()).type).toBe('channel.test')
    expect(owner.failures).toEqual([])
  })

  it('sends a test to a team mailbox, and says that the mail server has taken it', async () => {
    const { page } = owner
    await page.goto(at('/settings/reminders'))
    await press(page, 'Add a channel')
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Team mailbox').check()
    await dialog.getByLabel('E-mail address').fill('platform@example.com')
    await press(page, 'Add it')
    await page.getByRole('link', { name: 'platform@example.com' }).click()
    await press(page, 'Send a test')
    await result(page).getByText('Sent').waitFor()
    await mailbox.newestTo('platform@example.com')
    await result(page).getByRole('link', { name: 'The mail' }).click()
    await page.getByTestId('mail-text').waitFor()
    state.mailUrl = page.url()
    expect(owner.failures).toEqual([])
  })

  it('shows of a mail that was refused what the server said, by a filter in the address, and sends it again', async () => {
    const { page } = owner
    mailbox.refuse(true)
    await page.goBack()
    await press(page, 'Send a test')
    await result(page).getByText('Failed').waitFor()
    await page.getByRole('navigation', { name: 'Settings' }).getByText('Outbox').click()
    await page.getByRole('combobox', { name: 'State' }).click()
    await page.getByRole('option', { name: 'Failed' }).click()
    await page.waitForURL(/state=failed/)
    await page.getByText('this mailbox takes nothing').waitFor()
    mailbox.refuse(false)
    await page
      .getByRole('row', { name: /Failed.*platform@example\.com/ })
      .getByRole('link')
      .click()
    await page.getByText('What the mail server said').waitFor()
    await page.getByRole('button', { name: /^Send again/ }).click()
    await page.getByRole('main').getByText('Sent', { exact: true }).first().waitFor()
    await page.getByRole('button', { name: /^Send again/ }).waitFor({ state: 'detached' })
    expect(owner.failures).toEqual([])
  })

  it('shows the nodes to whoever has the root key, which stays nowhere; a wrong one is refused in words', async () => {
    const { page } = owner
    await page.goto(at('/settings/nodes'))
    await page.getByText('no role of one organization shows them').waitFor()
    const field = page.getByRole('textbox', { name: 'Root key' })
    await field.fill('kt_root_wrong')
    await press(page, 'Show the nodes')
    await page.getByRole('alert').waitFor()
    expect(await field.inputValue()).toBe('kt_root_wrong')
    await field.fill(opened.keyturn.rootKey)
    await press(page, 'Show the nodes')
    await page.getByRole('region', { name: '1 node' }).getByText('Up to date').waitFor()
    await expectNowhere(page, opened.keyturn.rootKey)
    expect(await page.content()).not.toContain(opened.keyturn.rootKey)
    expect(owner.failures.splice(0).filter((one) => !/^401 .*\/v1\/nodes$|status of 401/.test(one))).toEqual([])
  })

  it.each([
    ['reminders and channels', () => at('/settings/reminders')],
    ['a channel', () => state.channelUrl],
    ['outbox', () => at('/settings/outbox')],
    ['a mail', () => state.mailUrl],
    ['nodes', () => at('/settings/nodes')],
  ])('asks for nothing that fails, is accessible in light and dark, and fits 360 pixels: %s', async (_, address) => {
    const { page, failures } = owner
    await page.emulateMedia({ colorScheme: 'light' })
    await page.setViewportSize({ width: 360, height: 800 })
    await page.goto(address())
    await headingOf(page).waitFor()
    await settled(owner)
    expect(await page.title()).toMatch(/ · Keyturn$/)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360)
    await expectAccessible(page)
    await showIn(page, 'dark')
    await page.setViewportSize({ width: 1280, height: 900 })
    await expectAccessible(page)
    expect(failures).toEqual([])
  })

  it('says to who may not which role it wants and whom to ask, and makes no call that is refused', async () => {
    const joinAs = async (role: 'manager' | 'member') => {
      const email = newEmail(role)
      await opened.keyturn.request('POST', '/v1/organizations/default/invitations', { body: { email, role } })
      return opened.openAs(await accept(opened.keyturn, linkIn(await mailbox.newestTo(email)), email))
    }
    const manager = await joinAs('manager')
    await manager.page.goto(state.channelUrl)
    await manager.page
      .getByText(/Changing or testing it wants the role administrator or owner\. Ask Olga Owner/)
      .waitFor()
    expect(await manager.page.getByRole('button', { name: /Send|Rotate|Delete|Edit/ }).count()).toBe(0)
    const member = await joinAs('member')
    for (const [path, doing] of [
      ['/settings/reminders', 'Seeing the channels'],
      ['/settings/outbox', 'Reading the outbox'],
    ] as const) {
      await member.page.goto(at(path))
      await member.page.getByText(`${doing} wants the role auditor or manager. Ask Olga Owner`).waitFor()
      await settled(member)
    }
    expect([...manager.failures, ...member.failures]).toEqual([])
    await manager.page.context().close()
    await member.page.context().close()
  })

  it('deletes a channel with all that waited for it', async () => {
    const { page } = owner
    await page.goto(state.channelUrl)
    await press(page, 'Delete…')
    await page.getByRole('dialog').getByRole('button', { name: 'Delete it' }).click()
    await headingOf(page).getByText('Reminders and channels').waitFor()
    await page.getByRole('link', { name: 'platform@example.com' }).waitFor()
    expect(await page.getByRole('link', { name: `${receiver.url}/hooks` }).count()).toBe(0)
    expect(owner.failures).toEqual([])
  })
})
