import type { Key } from '@keyturn/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createOfflineVerifier } from '../../examples/verify-offline.mjs'
import { setUpOwner } from '../../packages/server/test/support/people.ts'
import { findFreePort } from '../../packages/server/test/support/processes.ts'
import { claimsIn } from '../../packages/server/test/support/tokens.ts'
import {
  choose,
  expectAccessible,
  expectFits,
  expectNowhere,
  expectRefused,
  headingOf,
  type OpenConsole,
  openConsole,
  press,
  settled,
  showIn,
  takeSecret,
  type Watched,
} from './console.ts'

describe('kinds of keys, limits and imports in the console', () => {
  let opened: OpenConsole
  let owner: Watched
  beforeAll(async () => {
    // Under an address that was known before it started: it is in every token.
    const port = await findFreePort()
    opened = await openConsole({ KEYTURN_PORT: `${port}`, KEYTURN_PUBLIC_URL: `http://127.0.0.1:${port}` })
    const person = await setUpOwner(opened.keyturn)
    await opened.keyturn.createProject('default', { name: 'Storefront', slug: 'storefront' })
    owner = await opened.openAs(person)
  })
  afterAll(() => opened.close())
  const at = (path: string) => `${opened.keyturn.url}/console/default${path}`
  const state = { jwt: '', token: '', metered: '' }
  const readKey = async (id: string): Promise<Key> => (await opened.keyturn.request('GET', `/v1/keys/${id}`)).body

  /** What stands on the page, in light and dark, on a telephone and beside it. */
  async function expectSound(within?: string): Promise<void> {
    const { page } = owner
    await settled(owner)
    await expectAccessible(page, within)
    await showIn(page, 'dark')
    await expectFits(page, [360, 1280])
    await expectAccessible(page, within)
    await showIn(page, 'light')
  }

  it('offers every kind with a sentence, and never an end that never comes to a JWT key', async () => {
    const { page } = owner
    await opened.keyturn.request('PATCH', '/v1/organizations/default', {
      body: { policy: { allow_never_expires: true } },
    })
    await page.goto(at('/keys?new=key'))
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel(/^Name/).fill('Warehouse sync, edge')
    await dialog.getByText('Never', { exact: true }).click()
    await dialog.getByText('It never ends by itself.').waitFor()
    await dialog.getByRole('radio', { name: 'JWT' }).check()
    await dialog.getByText(/verified offline by anybody with the public keys/).waitFor()
    expect(await dialog.getByText('Never', { exact: true }).count()).toBe(0)
    await dialog.getByText(/^Until /).waitFor()
    await expectSound('[role="dialog"]')
  })

  it('shows a token once, with a verifier that accepts it offline', async () => {
    const { page } = owner
    await press(page, 'Create the key')
    const value = (await page.getByTestId('secret').textContent()) ?? ''
    const claims = claimsIn(value)
    const sample = (await page.locator('pre').filter({ hasText: 'createOfflineVerifier' }).textContent()) ?? ''
    const [, issuer = '', audience = ''] = /issuer: '(.+)',\s+audience: '(.+)',/.exec(sample) ?? []
    expect([issuer, audience]).toEqual([opened.keyturn.url, claims.aud])
    const verify = createOfflineVerifier({ issuer, audience })
    expect(await verify(value)).toMatchObject({ sub: claims.sub })
    const publicKeys = page.getByRole('link', { name: /jwks\.json$/ })
    expect((await fetch((await publicKeys.getAttribute('href')) ?? '')).status).toBe(200)
    await expectNowhere(page, value)
    await expectSound('[role="dialog"]')
    state.token = await takeSecret(page)
    state.jwt = claims.sub
    expect(state.token).toBe(value)
    await expectNowhere(page, value)
    expect(await page.content()).not.toContain(value)
  })

  it('extends a JWT key nowhere: page, menu, selection and address say that it is rotated instead', async () => {
    const { page } = owner
    await page.goto(at('/keys?kind=jwt'))
    await page.getByLabel('Select Warehouse sync, edge').check()
    await page.getByText('JWT keys among them are rotated, not extended.').waitFor()
    await page.goto(at(`/keys/${state.jwt}?do=extend`))
    await headingOf(page).getByText('Warehouse sync, edge').waitFor()
    await settled(owner)
    await page.getByText('The end is in the token: rotate instead of extending.').waitFor()
    expect(await page.getByRole('dialog').count()).toBe(0)
    expect(await page.getByRole('button', { name: 'Extend', exact: true }).count()).toBe(0)
    expect(await page.getByRole('button', { name: 'Make a link' }).count()).toBe(1)
    await press(page, 'More with Warehouse sync, edge')
    const menu = page.getByRole('menu')
    await menu.getByText('The end is in the token').waitFor()
    expect(await menu.getByRole('menuitem', { name: 'Extend' }).count()).toBe(0)
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Edit', exact: true }).click()
    const edit = page.getByRole('dialog')
    await edit.getByRole('combobox', { name: 'Scopes' }).fill('orders:read')
    await page.keyboard.press('Enter')
    await edit.getByText(/goes by the former ones until the next rotation/).waitFor()
    await press(page, 'Save')
    await edit.waitFor({ state: 'detached' })
    await press(page, 'Rotate')
    const dialog = page.getByRole('dialog')
    await dialog.getByText(/refused offline within two minutes/).waitFor()
    await dialog.getByRole('button', { name: 'Rotate', exact: true }).click()
    await page.getByTestId('secret').waitFor()
    const newer = await takeSecret(page)
    expect([claimsIn(newer).sub, claimsIn(newer).jti === claimsIn(state.token).jti]).toEqual([state.jwt, false])
  })

  it('says of disabling and revoking a JWT key how late those learn of it who verify offline', async () => {
    const { page } = owner
    await choose(page, 'Warehouse sync, edge', /^Disable/)
    await page.getByText(/is disabled\. Whoever verifies it offline learns of it within two minutes\./).waitFor()
    await choose(page, 'Warehouse sync, edge', /^Revoke/)
    const dialog = page.getByRole('dialog')
    await dialog.getByText(/everybody who asks Keyturn\. Whoever verifies it offline/).waitFor()
    await dialog.getByLabel(/Reason/).fill('posted in a public repository')
    const answer = page.waitForResponse((response) => response.url().endsWith('/revoke'))
    await press(page, 'Revoke for ever')
    const { propagation } = await (await answer).json()
    const words = page.getByText(/Whoever verifies it offline refuses it from/)
    await words.waitFor()
    expect(await words.locator('time').getAttribute('datetime')).toBe(propagation.offline_until)
    await page.getByText('No node accepts it any more.').waitFor()
    await expectSound('[role="dialog"]')
    await page.getByRole('button', { name: 'Close', exact: true }).click()
    expect((await readKey(state.jwt)).status).toBe('revoked')
  })

  it('takes a rate limit and a quota with a new key, each fault named at its field with what was typed kept', async () => {
    const { page } = owner
    await page.goto(at('/keys?new=key'))
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel(/^Name/).fill('Partner, metered')
    await press(page, 'Rate limit, quota')
    await press(page, 'Add a rate limit')
    await press(page, 'Add another window')
    const [first, second] = [1, 2].map((number) => dialog.getByRole('group', { name: `Window ${number}` }))
    await first?.getByLabel('Calls', { exact: true }).fill('0')
    await second?.getByLabel('Window', { exact: true }).fill('31')
    await press(page, 'Add a quota')
    await dialog.getByRole('group', { name: 'Quota' }).getByLabel('Calls', { exact: true }).fill('5')
    await press(page, 'Create the key')
    const faultsOf = async (label: string, within = first) => {
      const id = (await within?.getByLabel(label, { exact: true }).getAttribute('aria-describedby')) ?? 'none'
      return page.locator(`[id="${id.split(' ').at(-1)}"]`).allTextContents()
    }
    await expect.poll(() => faultsOf('Calls')).toEqual(['at least 1'])
    await expect.poll(() => faultsOf('Window', second)).toEqual(['at most 30 days'])
    expectRefused(owner, /^400 .*\/keys$/)
    await expectSound('[role="dialog"]')
    await first?.getByLabel('Calls', { exact: true }).fill('2')
    await second?.getByLabel('Window', { exact: true }).fill('1')
    await second?.getByLabel('Unit').click()
    await page.getByRole('option', { name: 'minutes' }).click()
    await press(page, 'Create the key')
    await dialog.getByText('must not have two windows of the same length').last().waitFor()
    expectRefused(owner, /^400 .*\/keys$/)
    await press(page, 'Take window 2 away')
    await press(page, 'Create the key')
    const value = await takeSecret(page)
    for (const code of ['VALID', 'VALID', 'RATE_LIMITED'])
      expect((await opened.keyturn.verify(value)).code, code).toBe(code)
    state.metered = (await opened.keyturn.verify(value)).key?.id ?? ''
    expect(await readKey(state.metered)).toMatchObject({
      rate_limit: { windows: [{ limit: 2, window_seconds: 60 }] },
      quota: { limit: 5, refill: 'monthly', on_outage: 'allow' },
    })
  })

  it('shows what a key may and what of its quota is gone, and sends of an edit what was changed alone', async () => {
    const { page } = owner
    await page.goto(at(`/keys/${state.metered}`))
    const limits = page.getByRole('region', { name: 'Limits' })
    await limits.getByText('2 calls in 1 minute').waitFor()
    await limits.getByText(/^5 calls each month, UTC/).waitFor()
    await limits.getByText(/2 drawn, 3 left; refilled/).waitFor()
    await expectSound()
    const edit = async (change: () => Promise<unknown>) => {
      await page.getByRole('button', { name: 'Edit', exact: true }).click()
      await change()
      const sent = page.waitForRequest((request) => request.method() === 'PATCH')
      await press(page, 'Save')
      const body: unknown = (await sent).postDataJSON()
      await page.getByRole('dialog').waitFor({ state: 'detached' })
      return body
    }
    const dialog = page.getByRole('dialog')
    expect(await edit(() => dialog.getByLabel(/^Name/).fill('Partner, gold'))).toEqual({ name: 'Partner, gold' })
    const quota = dialog.getByRole('group', { name: 'Quota' })
    const changed = await edit(async () => {
      await quota.getByLabel('Calls', { exact: true }).fill('70000')
      await quota.getByRole('radio', { name: 'Calls are refused until it is back' }).check()
    })
    expect(changed).toEqual({ quota: { limit: 70_000, refill: 'monthly', on_outage: 'refuse' } })
    await limits.getByText('Calls are refused until it is back').waitFor()
    expect(await edit(() => press(page, 'Take window 1 away'))).toEqual({ rate_limit: null })
    await limits.getByText('2 calls in 1 minute').waitFor({ state: 'detached' })
    expect(await edit(() => press(page, 'Take the quota away'))).toEqual({ quota: null })
    await limits.waitFor({ state: 'detached' })
    expect(await readKey(state.metered)).toMatchObject({ rate_limit: null, quota: null, name: 'Partner, gold' })
  })

  it('names every row that is wrong by line and reason, and keeps what was pasted', async () => {
    const { page } = owner
    await page.goto(at('/keys'))
    await press(page, 'Import')
    const dialog = page.getByRole('dialog', { name: 'Import keys' })
    const field = dialog.getByRole('textbox', { name: 'Keys, as CSV or JSON' })
    const csv = [
      'name,value,owner',
      'Shopify,acme_9be2d07715a84c36f001,ada',
      'Zapier,acme_4f0c2a8e6b1d9375c0de,',
      ',acme_0c4d1e77,',
    ]
    await field.fill(csv.join('\n'))
    await dialog.getByRole('button', { name: 'Import' }).click()
    const alert = dialog.getByRole('alert')
    await alert.getByRole('listitem').nth(1).waitFor()
    expect(await alert.getByRole('listitem').allTextContents()).toEqual([
      expect.stringMatching(/^Line 2, owner: /),
      expect.stringMatching(/^Line 4, name: /),
    ])
    expectRefused(owner, /^422 .*import\.csv\?project=prj_\w+$/)
    expect(await field.inputValue()).toBe(csv.join('\n'))
    await expectSound('[role="dialog"]')
    await field.fill('{"keys": [{"name": "Zapier"')
    await dialog.getByRole('button', { name: 'Import' }).click()
    await dialog.getByText('This is no JSON').waitFor()
    await field.fill('[{"name": "Zapier"}]')
    await dialog.getByRole('button', { name: 'Import' }).click()
    await alert.getByText(/^Key 1, value: give either value or digest/).waitFor()
    expectRefused(owner, /^422 .*import$/)
    expect((await opened.keyturn.verify('acme_4f0c2a8e6b1d9375c0de')).code).toBe('NOT_FOUND')
  })

  it('imports a file into the project that was chosen, leads to the keys, and keeps no value anywhere', async () => {
    const { page } = owner
    const dialog = page.getByRole('dialog', { name: 'Import keys' })
    const choose = (name: string, buffer: Buffer) =>
      dialog.locator('xpath=//input[@type="file"]').setInputFiles({ name, mimeType: 'text/csv', buffer })
    await choose('latin1.csv', Buffer.from([0x6e, 0xe9]))
    await dialog.getByText('latin1.csv is not UTF-8').waitFor()
    const value = 'acme_4f0c2a8e6b1d9375c0de'
    await choose('keys.csv', Buffer.from(`name,value,owner\n"Zapier, production",${value},ada@example.com\n`))
    await dialog.getByRole('combobox', { name: 'Project' }).click()
    await page.getByRole('option', { name: 'Storefront' }).click()
    await dialog.getByRole('button', { name: 'Import' }).click()
    const done = page.getByRole('dialog', { name: 'The keys are here' })
    await done.getByText('1 key imported.').waitFor()
    await expectNowhere(page, value)
    expect(await page.content()).not.toContain(value)
    expect((await opened.keyturn.verify(value, { project: 'storefront' })).code).toBe('VALID')
    await expectSound('[role="dialog"]')
    await done.getByRole('link', { name: 'Show them in the list' }).click()
    await page.getByRole('link', { name: 'Zapier, production' }).waitFor()
    expect(await page.getByRole('dialog').count()).toBe(0)
    // Twice is once.
    await press(page, 'Import')
    await dialog.getByRole('textbox', { name: 'Keys, as CSV or JSON' }).fill(JSON.stringify([{ name: 'Again', value }]))
    await dialog.getByRole('button', { name: 'Import' }).click()
    await done.getByText(/0 keys imported\. 1 key was there already/).waitFor()
    await done.getByRole('link', { name: 'Zapier, production' }).click()
    await headingOf(page).getByText('Zapier, production').waitFor()
  })
})
