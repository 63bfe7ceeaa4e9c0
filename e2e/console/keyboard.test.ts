import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpLink } from '../../packages/server/src/people/set-up.ts'
import {
  Authenticator,
  goodPassword,
  join,
  newEmail,
  type Person,
  setUpOwner,
  tokenOf,
} from '../../packages/server/test/support/people.ts'
import { expectRefused, headingOf, type OpenConsole, openConsole, type Watched } from './console.ts'
import { keyboardOf } from './keyboard.ts'

const day = 86_400

/** Of the dialog that was opened last. @returns the value that it shows once */
async function takeSecret(page: Page, hands: ReturnType<typeof keyboardOf>): Promise<string> {
  const dialog = page.getByRole('dialog').last()
  const shown = page.getByTestId('secret')
  await shown.waitFor()
  const value = (await shown.textContent()) ?? ''
  await hands.expectTrapped(dialog)
  await hands.activate(dialog.getByRole('checkbox', { name: /^I have/ }), 'Space')
  await hands.activate(dialog.getByRole('button', { name: 'Close', exact: true }))
  await shown.waitFor({ state: 'detached' })
  return value
}

describe('by keyboard alone, with the focus seen wherever it stops,', () => {
  let opened: OpenConsole
  let owner: Watched
  let person: Person
  let hands: ReturnType<typeof keyboardOf>
  beforeAll(async () => {
    opened = await openConsole()
    person = await setUpOwner(opened.keyturn)
    owner = await opened.openAs(person)
    hands = keyboardOf(owner.page)
  })
  afterAll(() => opened.close())
  const at = (path: string) => `${opened.keyturn.url}/console/default${path}`
  const verdictOf = async (value: string) => (await opened.keyturn.verify(value)).code
  const button = (name: string | RegExp, exact = true) => owner.page.getByRole('button', { name, exact })
  const dialog = () => owner.page.getByRole('dialog').last()
  const within = (name: string | RegExp) => dialog().getByRole('button', { name, exact: true })
  const field = (name: string | RegExp) => dialog().getByLabel(name)

  /** On the page of a key, by its address. @returns its value */
  async function openKey(name: string, fields: object = {}): Promise<string> {
    const { key, secret } = await opened.keyturn.createKey('default', { name, ...fields })
    await owner.page.goto(at(`/keys/${key.id}`))
    await headingOf(owner.page).getByText(name).waitFor()
    await button('Rotate').waitFor()
    return secret.value
  }

  async function choose(keyName: string, item: string | RegExp): Promise<void> {
    await hands.activate(button(`More with ${keyName}`))
    await hands.pick(owner.page.getByRole('menuitem', { name: item }))
  }

  it('the first key is made; a page begins at its heading, and before it is a way past the menu', async () => {
    const { page } = owner
    await page.goto(at(''))
    await hands.expectOn(headingOf(page))
    await hands.back(page.getByRole('link', { name: 'To the page' }))
    await hands.press('Enter')
    await hands.to(page.getByRole('link', { name: 'New key' }))
    await hands.press('Enter')
    await hands.expectOn(field(/^Name/))
    await page.keyboard.type('First of all')
    await hands.press('Enter')
    const value = await takeSecret(page, hands)
    expect(await verdictOf(value)).toBe('VALID')
    await page.getByRole('link', { name: 'First of all' }).waitFor()
    await hands.back(page.getByRole('link', { name: 'Overview' }))
    await hands.press('Enter')
    await headingOf(page).waitFor()
    await hands.expectOn(headingOf(page))
  })

  it('a key is renamed and extended, and the focus comes back to what opened the dialog', async () => {
    const { page } = owner
    const value = await openKey('Typed')
    await hands.activate(button('Edit'))
    await hands.fill(field(/^Name/), 'Typed again')
    await hands.activate(within('Save'))
    await headingOf(page).getByText('Typed again').waitFor()
    await hands.expectOn(button('Edit'))
    await hands.back(button('Extend'))
    await hands.press('Enter')
    await dialog().waitFor()
    await hands.expectTrapped(dialog())
    await hands.press('Escape')
    await hands.expectOn(button('Extend'))
    // What fades away is still there for a moment, and would be taken for what opens next.
    await dialog().waitFor({ state: 'detached' })
    await hands.press('Enter')
    await dialog().waitFor()
    await hands.to(dialog().getByRole('radio', { name: '90 days' }))
    await hands.press('ArrowRight')
    await hands.activate(within('Extend'))
    await page.getByText(/goes on until/).waitFor()
    await hands.expectOn(button('Extend'))
    expect(await verdictOf(value)).toBe('VALID')
  })

  it('a key is rotated, the rotation is finished against advice, and a leaked secret is replaced', async () => {
    const { page } = owner
    const old = await openKey('Turned')
    await hands.activate(button('Rotate'))
    await hands.activate(within('Rotate'))
    const fresh = await takeSecret(page, hands)
    expect([await verdictOf(old), await verdictOf(fresh)]).toEqual(['VALID', 'VALID'])
    await page.getByRole('region', { name: /^Old, retiring secret/ }).waitFor()
    await hands.activate(button('Finish now'))
    await hands.activate(button('Do it all the same'))
    await page.getByText('The rotation is finished.').waitFor()
    expect([await verdictOf(old), await verdictOf(fresh)]).toEqual(['ROTATED', 'VALID'])
    expectRefused(owner, /^409 .*finish$/)
    await hands.activate(button('New secret now, end every old one'))
    await hands.activate(within('Replace now'))
    const last = await takeSecret(page, hands)
    expect([await verdictOf(fresh), await verdictOf(last)]).toEqual(['ROTATED', 'VALID'])
  })

  it('a secret is handed over by a link, and another link is withdrawn', async () => {
    const { page } = owner
    const value = await openKey('Handed')
    await hands.activate(button('Make a link'))
    await page.getByTestId('claim-link').waitFor()
    await hands.expectTrapped(dialog())
    await hands.press('Escape')
    await hands.expectOn(button('Make a link'))
    await dialog().waitFor({ state: 'detached' })
    await hands.activate(button('Withdraw'))
    await page.getByText('Withdrawn', { exact: true }).waitFor()
    expect(await verdictOf(value)).toBe('VALID')
  })

  it('a key is revoked with a reason, and deleted by typing', async () => {
    const { page } = owner
    const value = await openKey('Ended')
    await choose('Ended', 'Revoke…')
    await hands.fill(field(/Reason/), 'no longer wanted')
    await hands.activate(within('Revoke for ever'))
    await page.getByText('No node accepts it any more.').waitFor()
    expect(await verdictOf(value)).toBe('REVOKED')
    await hands.press('Escape')
    await dialog().waitFor({ state: 'detached' })
    await hands.expectOn(button('More with Ended'))
    await page.getByText('no longer wanted').first().waitFor()
    await choose('Ended', 'Delete…')
    await hands.fill(field('Type DELETE'), 'DELETE')
    await hands.press('Enter')
    await headingOf(page).getByText('Keys').waitFor()
    await hands.expectOn(headingOf(page))
  })

  it('the legacy key is rotated', async () => {
    const { page } = owner
    await page.goto(at('/keys?q=legacy'))
    await hands.activate(page.getByRole('link', { name: 'Legacy key' }))
    await button('Rotate').waitFor()
    await hands.expectOn(headingOf(page))
    await hands.activate(button('Rotate'))
    await hands.activate(within('Rotate'))
    expect(await takeSecret(page, hands)).toMatch(/^kt_pub_live_/)
    await page.getByRole('region', { name: /^Old, retiring secret/ }).waitFor()
  })

  it('API access goes off by typing the name, and on again', async () => {
    const { page } = owner
    const { secret } = await opened.keyturn.createKey('default')
    await page.goto(at('/settings'))
    await hands.activate(button('Switch it off…'))
    await hands.fill(field('Type Default'), 'Default')
    await hands.activate(within('Switch it off'))
    await button('Switch it on').waitFor()
    expect(await verdictOf(secret.value)).toBe('API_ACCESS_DISABLED')
    await hands.expectOn(button('Switch it on'))
    await hands.activate(button('Switch it on'))
    await button('Switch it off…').waitFor()
    // It was busy for a moment.
    await hands.expectOn(button('Switch it off…'))
    expect(await verdictOf(secret.value)).toBe('VALID')
  })

  it('a policy is tried out before it holds', async () => {
    const { page } = owner
    await page.goto(at('/settings'))
    await hands.fill(page.getByLabel(/^Names must match/), '^prod-')
    await hands.activate(button('Try it out'))
    await page.getByText(/could not be made so again/).waitFor()
    await hands.activate(button('Undo'))
    await page.getByText(/could not be made so again/).waitFor({ state: 'detached' })
    const { body } = await opened.keyturn.request('GET', '/v1/organizations/default')
    expect(body.policy.name_pattern).toBe(null)
  })

  it('a value is checked, and a credential of others is tracked', async () => {
    const { page } = owner
    const { secret } = await opened.keyturn.createKey('default', { name: 'Checked' })
    await page.goto(at('/check'))
    await hands.fill(page.getByRole('textbox', { name: 'Value' }), secret.value)
    await hands.press('Enter')
    await page.getByTestId('outcome').getByText('calls with it pass').waitFor()
    await page.goto(at('/expirations'))
    await hands.activate(button('Track one'))
    await hands.fill(field(/^Name/), 'Stripe, webhooks')
    await hands.activate(within('Track it'))
    await dialog().waitFor({ state: 'detached' })
    await page.getByText('Stripe, webhooks').first().waitFor()
    const { body } = await opened.keyturn.request('GET', '/v1/organizations/default/tracked-credentials')
    expect(body.data).toMatchObject([{ name: 'Stripe, webhooks', expires_at: expect.any(String) }])
  })

  it('the audit log is filtered by what was done', async () => {
    const { page } = owner
    await page.goto(at('/audit'))
    await hands.fill(page.getByRole('combobox', { name: 'Action' }), 'key: revoked')
    await hands.press('ArrowDown', 'Enter')
    await page.waitForURL(/action=key\.revoked/)
    await page.getByRole('cell', { name: 'Revoked', exact: true }).waitFor()
    await expect.poll(() => page.getByRole('cell', { name: 'Created', exact: true }).count()).toBe(0)
  })

  it('whoever leaves is seen to', async () => {
    const { page } = owner
    const leaver = await join(opened.keyturn, 'default', { role: 'manager' })
    await leaver.request('POST', '/v1/projects/default/keys', { body: { name: 'Left behind', expires_in: 90 * day } })
    await page.goto(at('/members'))
    await hands.activate(page.getByRole('row', { name: leaver.email }).getByRole('button', { name: /^Change/ }))
    await hands.pick(page.getByRole('menuitem', { name: 'They leave…' }))
    await page.getByText('owns it, made it, has seen its value').waitFor()
    await hands.to(page.getByPlaceholder('Choose somebody'))
    await hands.press('ArrowDown', 'ArrowDown', 'Enter')
    await hands.fill(page.getByLabel(`Type ${leaver.email}`), leaver.email)
    await hands.activate(button(/^Remove/, false))
    await headingOf(page).getByText('is removed').waitFor()
    await hands.expectOn(headingOf(page))
    await hands.activate(page.getByRole('link', { name: 'I have saved the values' }))
    await headingOf(page).getByText('Members').waitFor()
    await page.getByRole('row', { name: person.email }).waitFor()
    await expect.poll(() => page.getByRole('row', { name: leaver.email }).count()).toBe(0)
  })

  it('one signs in, switches the second factor on, and signs in with it', async () => {
    const { page } = await opened.open()
    const hands = keyboardOf(page)
    const button = (name: string | RegExp, exact = true) => page.getByRole('button', { name, exact })
    const signIn = async () => {
      await hands.fill(page.getByLabel('E-mail address'), person.email)
      await hands.fill(page.getByLabel('Password'), goodPassword)
      await hands.activate(button('Sign in'))
    }
    await page.goto(at('/account'))
    await signIn()
    await headingOf(page).getByText('Your account').waitFor()
    await hands.fill(page.getByLabel('Your password', { exact: true }), goodPassword)
    await hands.activate(button('Switch it on'))
    const link = await page.getByRole('link', { name: 'open it in the authenticator' }).getAttribute('href')
    const authenticator = new Authenticator(link ?? '')
    await hands.fill(page.getByRole('dialog').getByLabel('The code that it shows now'), authenticator.nextCode())
    await hands.activate(page.getByRole('dialog').getByRole('button', { name: 'Switch it on' }))
    await button('Switch it off').waitFor()
    await hands.back(button(/account$/, false))
    await hands.press('Enter')
    await hands.pick(page.getByRole('menuitem', { name: 'Sign out' }))
    await headingOf(page).getByText('Sign in').waitFor()
    await page.goto(at(''))
    await signIn()
    await hands.fill(page.getByLabel('Code'), authenticator.nextCode())
    await hands.activate(button('Go on'))
    expect(await page.getByTestId('organization').textContent()).toBe('Default')
    await page.context().close()
  })
})

describe('by keyboard alone, whoever is new', () => {
  let opened: OpenConsole
  let first: Watched
  beforeAll(async () => {
    opened = await openConsole()
    first = await opened.open()
  })
  afterAll(() => opened.close())
  const at = (path: string) => `${opened.keyturn.url}${path}`
  const link = (page: Page, name: string) => page.getByRole('link', { name, exact: true })

  it('signs up, makes the first key, chooses who is told, and sees the first call arrive', async () => {
    const { page } = first
    const { keyturn } = opened
    const hands = keyboardOf(page)
    const url = setUpLink(keyturn.masterKey, keyturn.url, await keyturn.ground.now(keyturn.ground.reader))
    await page.goto(at(`/set-up?token=${tokenOf(url)}`))
    await hands.fill(page.getByLabel('Your name'), 'Olga Owner')
    await hands.fill(page.getByLabel('E-mail address'), newEmail('first'))
    await hands.fill(page.getByLabel('Password'), goodPassword)
    await hands.press('Enter')
    await headingOf(page).getByText('Three steps to the first call').waitFor()
    await hands.expectOn(headingOf(page))
    await hands.activate(link(page, 'New key'))
    await hands.fill(page.getByRole('dialog').getByLabel(/^Name/), 'Zapier, production')
    await hands.press('Enter')
    const value = await takeSecret(page, hands)
    await hands.back(link(page, 'Overview'))
    await hands.press('Enter')
    await hands.fill(page.getByLabel(/^The mailbox of a team/), 'team@example.com')
    await hands.press('Enter')
    await page.getByText('team@example.com hears of what nobody else would.').waitFor()
    await page.getByText('This page waits for it').waitFor()
    const answer = await fetch(at('/v1/keys/self'), { headers: { authorization: `Bearer ${value}` } })
    expect(answer.status).toBe(200)
    await page.getByText('This page waits for it').waitFor({ state: 'detached' })
  })

  it('reads, as a member, which role a button wants and whom to ask, and stops at no button that is not theirs', async () => {
    const member = await join(opened.keyturn, 'default', { role: 'member' })
    await opened.keyturn.createKey('default', { name: 'Theirs', owner: member.email })
    await opened.keyturn.createKey('default', { name: 'Not of them' })
    const { page } = await opened.openAs(member)
    const hands = keyboardOf(page)
    await page.goto(at('/console/default'))
    await page.waitForURL(/\/keys\?owner=/)
    await hands.activate(link(page, 'Theirs'))
    await headingOf(page).getByText('Theirs').waitFor()
    await hands.expectOn(headingOf(page))
    await page.goto(at('/console/default/keys?q=them'))
    await hands.activate(link(page, 'Not of them'))
    await headingOf(page).getByText('Not of them').waitFor()
    await hands.expectOn(headingOf(page))
    await page
      .getByText(/Rotating wants the role manager or administrator\. Ask Olga Owner/)
      .first()
      .waitFor()
    const stops = await hands.walk()
    expect(stops.filter((one) => /^button (Rotate|Extend|Edit|Make a link)$/.test(one))).toEqual([])
    await page.context().close()
  })

  it('comes through a product, goes where they belong, and reads how they came', async () => {
    const { body } = await opened.keyturn.request('POST', '/v1/organizations/default/portal-sessions', {
      body: { email: 'customer@example.com', name: 'Cora Customer', role: 'admin' },
    })
    const { page } = await opened.open()
    const hands = keyboardOf(page)
    await page.goto(body.url.replace(/^https?:\/\/[^/]+/, opened.keyturn.url))
    await page.waitForURL(/\/console\/default/)
    await headingOf(page).waitFor()
    await hands.activate(link(page, 'Keys'))
    await headingOf(page).getByText('Keys').waitFor()
    await hands.expectOn(headingOf(page))
    await hands.back(page.getByRole('button', { name: /account$/ }))
    await hands.press('Enter')
    await hands.pick(page.getByRole('menuitem', { name: 'Your account' }))
    await page.getByText('You came here through a product').waitFor()
    await hands.expectOn(headingOf(page))
    expect(await hands.walk()).not.toContainEqual(expect.stringMatching(/password|second factor/i))
    await page.context().close()
  })
})
