import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpLink } from '../../packages/server/src/people/set-up.ts'
import { Authenticator, goodPassword, newEmail, tokenOf } from '../../packages/server/test/support/people.ts'
import {
  choose,
  expectNowhere,
  expectRefused,
  headingOf,
  type OpenConsole,
  openConsole,
  press,
  signInWith,
  takeSecret,
  type Watched,
} from './console.ts'

describe('the life of a key in the console', () => {
  let opened: OpenConsole
  let owner: Watched
  const email = newEmail('first')
  beforeAll(async () => {
    opened = await openConsole()
    owner = await opened.open()
  })
  afterAll(() => opened.close())
  const at = (path: string) => `${opened.keyturn.url}${path}`
  const state = { value: '', keyUrl: '' }

  it('from the first start: `/` says how to begin, the link makes the owner, and three steps are to be done', async () => {
    const { page } = owner
    const { keyturn } = opened
    await page.goto(at('/'))
    expect(await headingOf(page).textContent()).toBe('Nobody has signed up yet')
    const link = setUpLink(keyturn.masterKey, keyturn.url, await keyturn.ground.now(keyturn.ground.reader))
    await page.goto(at(`/set-up?token=${tokenOf(link)}`))
    await page.getByLabel('Your name').fill('Olga Owner')
    await page.getByLabel('E-mail address').fill(email)
    await page.getByLabel('Password').fill(goodPassword)
    await press(page, 'Begin')
    await headingOf(page).getByText('Three steps to the first call').waitFor()
    expect(await page.getByTestId('organization').textContent()).toBe('Default')
    expect(page.url()).toBe(at('/console/default'))
  })

  it('only a name is needed for a key, and its value is shown once: no address, store or history has it', async () => {
    const { page } = owner
    await page.getByRole('link', { name: 'New key' }).click()
    await page.getByRole('dialog').getByLabel(/^Name/).fill('test')
    await page.getByText('That says little').waitFor()
    await page.getByRole('dialog').getByLabel(/^Name/).fill('Zapier, production')
    await press(page, 'Create the key')
    await page.getByTestId('secret').waitFor()
    // What closes a dialog otherwise does not close this one: the value would be lost.
    await page.keyboard.press('Escape')
    expect(await page.getByRole('button', { name: 'Close', exact: true }).isDisabled()).toBe(true)
    const curl = (await page.locator('pre').first().textContent()) ?? ''
    state.value = (await page.getByTestId('secret').textContent()) ?? ''
    expect(curl).toContain(state.value)
    expect(state.value).toMatch(/^kt_live_[0-9A-Za-z]{38}$/)
    await expectNowhere(page, state.value)
    expect(await takeSecret(page)).toBe(state.value)
    await expectNowhere(page, state.value)
    expect(await page.content()).not.toContain(state.value)
    expect(await page.getByRole('dialog').count()).toBe(0)
  })

  it('its first call appears while one looks, and the page becomes that of every day', async () => {
    const { page } = owner
    await page.goto(at('/console/default'))
    await page.getByText('This page waits for it').waitFor()
    const answer = await fetch(at('/v1/keys/self'), { headers: { authorization: `Bearer ${state.value}` } })
    expect(answer.status).toBe(200)
    await page
      .getByText('It has been called.')
      .or(page.getByText(/Nothing needs you|ends within|wants a look|want a look/))
      .first()
      .waitFor()
  })

  it('is renamed without its value changing, and the list is found by what was typed', async () => {
    const { page } = owner
    await page.goto(at('/console/default/keys'))
    await page.getByRole('searchbox', { name: 'Search' }).fill('zapi')
    await page.waitForURL(/q=zapi/)
    await page.getByRole('link', { name: 'Zapier, production' }).click()
    await headingOf(page).getByText('Zapier, production').waitFor()
    state.keyUrl = page.url()
    await page.getByRole('button', { name: 'Edit', exact: true }).click()
    await page.getByRole('dialog').getByLabel(/^Name/).fill('Zapier, staging')
    await press(page, 'Save')
    await headingOf(page).getByText('Zapier, staging').waitFor()
    expect((await opened.keyturn.verify(state.value)).code).toBe('VALID')
  })

  it('is extended to a day that is spelled out, and an earlier one is refused in words, with what was typed', async () => {
    const { page } = owner
    await page.getByRole('button', { name: 'Extend', exact: true }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('30 days').click()
    await dialog.getByRole('button', { name: 'Extend' }).click()
    expect(await dialog.getByRole('alert').textContent()).toMatch(/earlier|shorten/i)
    await dialog.getByText('1 year').click()
    await dialog.getByRole('button', { name: 'Extend' }).click()
    await page
      .getByText(/goes on until/)
      .first()
      .waitFor()
    expectRefused(owner, /^409 .*extend$/)
  })

  it('is revoked with a reason, after what will break was named, and shown to be refused everywhere', async () => {
    const { page } = owner
    await choose(page, 'Zapier, staging', /^Revoke/)
    const dialog = page.getByRole('dialog')
    await dialog.getByText(/last called .* from 127\.0\.0\.1/).waitFor()
    await dialog.getByText('Disable it first?').waitFor()
    expect(await dialog.getByRole('button', { name: 'Revoke for ever' }).isDisabled()).toBe(true)
    await dialog.getByLabel(/Reason/).fill('posted in a public repository')
    await press(page, 'Revoke for ever')
    await page.getByText('No node accepts it any more.').waitFor()
    expect((await opened.keyturn.verify(state.value)).code).toBe('REVOKED')
    await page.getByRole('button', { name: 'Close', exact: true }).click()
    await page.getByText('posted in a public repository').first().waitFor()
  })

  it('is deleted by typing, and asks for the password once the sign-in is old, without losing what was typed', async () => {
    const { page } = owner
    opened.keyturn.clock.advance(20 * 60_000)
    await choose(page, 'Zapier, staging', /^Delete/)
    const dialog = page.getByRole('dialog', { name: /Delete/ })
    expect(await dialog.getByRole('button', { name: 'Delete the key' }).isDisabled()).toBe(true)
    await dialog.getByLabel('Type DELETE').fill('DELETE')
    await dialog.getByRole('button', { name: 'Delete the key' }).click()
    const again = page.getByRole('dialog', { name: 'Is it still you?' })
    await again.getByRole('textbox', { name: 'Password' }).fill('not that one at all')
    await again.getByRole('button', { name: 'Go on' }).click()
    expect(await again.getByRole('alert').textContent()).toContain('password is wrong')
    await again.getByRole('textbox', { name: 'Password' }).fill(goodPassword)
    await again.getByRole('button', { name: 'Go on' }).click()
    await headingOf(page).getByText('Keys').waitFor()
    expect(await page.getByRole('link', { name: 'Zapier, staging' }).count()).toBe(0)
    await page.goto(state.keyUrl)
    await headingOf(page).getByText('There is no such key').waitFor()
    expectRefused(owner, /^403 .*\/v1\/keys\/key_\w+$/, /^40[13] .*\/v1\/sign-in$/, /^404 .*\/v1\/keys\/key_\w+$/)
  })

  it('API access goes off by typing the name of the organization, and on again', async () => {
    const { page } = owner
    const { secret } = await opened.keyturn.createKey('default')
    await page.goto(at('/console/default/settings'))
    await press(page, 'Switch it off…')
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Type Default').fill('default')
    expect(await dialog.getByRole('button', { name: 'Switch it off' }).isDisabled()).toBe(true)
    await dialog.getByLabel('Type Default').fill('Default')
    await dialog.getByRole('button', { name: 'Switch it off' }).click()
    await page.getByText('Off: every key is refused').waitFor()
    expect((await opened.keyturn.verify(secret.value)).code).toBe('API_ACCESS_DISABLED')
    await press(page, 'Switch it on')
    await page.getByText('Off: every key is refused').waitFor({ state: 'detached' })
    expect((await opened.keyturn.verify(secret.value)).code).toBe('VALID')
  })

  it('the second factor is switched on in the account, and asked for at the next sign-in', async () => {
    const { page } = owner
    await page.goto(at('/console/default/account'))
    await page.getByLabel('Your password').fill(goodPassword)
    await press(page, 'Switch it on')
    const link = await page.getByRole('link', { name: 'open it in the authenticator' }).getAttribute('href')
    const authenticator = new Authenticator(link ?? '')
    await page.getByLabel('The code that it shows now').fill(authenticator.nextCode())
    await page.getByRole('dialog').getByRole('button', { name: 'Switch it on' }).click()
    await page.getByRole('button', { name: 'Switch it off' }).waitFor()
    await press(page, /account$/)
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await headingOf(page).getByText('Sign in').waitFor()
    await page.goto(at('/console/default/keys?q=int'))
    await signInWith(page, email)
    await page.getByLabel('Code').fill(authenticator.nextCode())
    await press(page, 'Go on')
    await headingOf(page).getByText('Keys').waitFor()
    expect(page.url()).toBe(at('/console/default/keys?q=int'))
  })
})
