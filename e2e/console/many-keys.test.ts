import { execFile } from 'node:child_process'
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Person, setUpOwner } from '../../packages/server/test/support/people.ts'
import { headingOf, type OpenConsole, openConsole, press, takeSecret, type Watched } from './console.ts'

const day = 86_400

describe('many keys at once, and what leaves the console', () => {
  let opened: OpenConsole
  let person: Person
  let owner: Watched
  const ids: Record<string, string> = {}
  const bin = mkdtempSync(path.join(tmpdir(), 'keyturn-bin-'))
  beforeAll(async () => {
    // Last in PATH: for a machine that has none.
    copyFileSync(path.join(import.meta.dirname, '..', 'curl.mjs'), path.join(bin, 'curl'))
    chmodSync(path.join(bin, 'curl'), 0o755)
    opened = await openConsole()
    person = await setUpOwner(opened.keyturn)
    for (const name of ['Alpha', 'Beta', 'Gamma'])
      ids[name] = (await opened.keyturn.createKey('default', { name, expires_in: 20 * day })).key.id
    owner = await opened.openAs(person)
  })
  afterAll(async () => {
    await opened.close()
    rmSync(bin, { recursive: true, force: true })
  })
  const at = (place: string) => `${opened.keyturn.url}/console/default${place}`
  const keyNow = async (name: string) => (await opened.keyturn.request('GET', `/v1/keys/${ids[name]}`)).body
  const select = async (...names: string[]) => {
    await owner.page.goto(at('/keys'))
    for (const name of names) await owner.page.getByLabel(`Select ${name}`).check()
  }
  const downloadBy = async (role: 'link' | 'button', name: string) => {
    const [file] = await Promise.all([
      owner.page.waitForEvent('download'),
      owner.page.getByRole(role, { name, exact: true }).click(),
    ])
    return { name: file.suggestedFilename(), text: readFileSync(await file.path(), 'utf8') }
  }

  it('extends several keys, hands them over, and says of each that is refused why', async () => {
    const { page } = owner
    await select('Alpha', 'Beta')
    const bar = page.getByRole('group', { name: 'Selected keys' })
    await bar.getByRole('button', { name: 'Extend' }).click()
    await page.getByRole('dialog').getByText('1 year').click()
    await press(page, 'Extend 2 keys')
    await page.getByText('2 keys done.').waitFor()
    for (const name of ['Alpha', 'Beta'])
      expect(Date.parse((await keyNow(name)).expires_at)).toBeGreaterThan(Date.now() + 300 * day * 1000)
    await select('Alpha', 'Gamma')
    await bar.getByRole('button', { name: 'Hand over' }).click()
    await page.getByLabel('New owner').fill('grace@example.com')
    await press(page, 'Hand over 2 keys')
    await page.getByText('2 keys done.').waitFor()
    for (const name of ['Alpha', 'Gamma']) expect((await keyNow(name)).owner).toBe('grace@example.com')
    expect((await keyNow('Beta')).owner).not.toBe('grace@example.com')
    expect(owner.failures).toEqual([])
    await select('Alpha', 'Gamma')
    await bar.getByRole('button', { name: 'Extend' }).click()
    await page.getByRole('dialog').getByText('90 days').click()
    await press(page, 'Extend 2 keys')
    await page.getByText('1 key done.').waitFor()
    await page.getByRole('listitem').filter({ hasText: 'Alpha:' }).waitFor()
    expect(owner.failures.splice(0).filter((one) => !/^4\d\d |status of 4\d\d/.test(one))).toEqual([])
  })

  it('revokes several with one reason, and leaves the others', async () => {
    const { page } = owner
    await select('Beta', 'Gamma')
    await page.getByRole('group', { name: 'Selected keys' }).getByRole('button', { name: 'Revoke' }).click()
    await page.getByLabel(/Reason/).fill('the vendor is gone')
    await press(page, 'Revoke 2 keys')
    await page.getByText('2 keys done.').waitFor()
    for (const name of ['Beta', 'Gamma'])
      expect(await keyNow(name)).toMatchObject({ status: 'revoked', revoked_reason: 'the vendor is gone' })
    expect((await keyNow('Alpha')).status).toBe('active')
    expect(owner.failures).toEqual([])
  })

  it('saves the list that is shown as CSV, by the same filters', async () => {
    await owner.page.goto(at('/keys?status=revoked'))
    const { text } = await downloadBy('link', 'CSV')
    expect(text).toContain('Beta')
    expect(text).toContain('Gamma')
    expect(text).not.toContain('Alpha')
    expect(owner.failures).toEqual([])
  })

  it('shows of the audit log what an action, a person or a key did, each in the address', async () => {
    const { page } = owner
    await page.goto(at('/audit'))
    await page.getByRole('combobox', { name: 'Action' }).fill('Key: revoked')
    await page.getByRole('option', { name: 'Key: revoked', exact: true }).click()
    await page.waitForURL(/action=key\.revoked/)
    await expect.poll(() => page.getByRole('link', { name: /Beta|Gamma/ }).count()).toBe(2)
    expect(await page.getByRole('link', { name: 'Alpha' }).count()).toBe(0)
    await page.goto(at(`/audit?key=${ids['Alpha']}`))
    await page.getByRole('link', { name: 'Alpha' }).first().waitFor()
    expect(await page.getByRole('link', { name: 'Beta' }).count()).toBe(0)
    await press(page, 'Of all keys')
    await page.getByRole('link', { name: 'Beta' }).first().waitFor()
    expect(owner.failures).toEqual([])
  })

  it('says what a stricter policy would break before it is saved, and changes nothing by that', async () => {
    const { page } = owner
    await page.goto(at('/settings'))
    await page.getByLabel('A key lives, unless said otherwise').fill('90')
    await page.getByLabel('A secret lives at most').fill('100')
    await press(page, 'Try it out')
    await page
      .getByRole('status')
      .getByText(/could not be made so again/)
      .waitFor()
    await page.getByRole('link', { name: 'Alpha' }).waitFor()
    const organization = await opened.keyturn.request('GET', '/v1/organizations/default')
    expect(organization.body.policy.max_lifetime).not.toBe(100 * day)
    expect(owner.failures).toEqual([])
  })

  it('renews a tracked credential to the end of its new value', async () => {
    const { page } = owner
    await opened.keyturn.request('POST', '/v1/organizations/default/tracked-credentials', {
      body: {
        name: 'Stripe, webhooks',
        owner: person.email,
        expires_at: new Date(Date.now() + 5 * day * 1000).toISOString(),
      },
    })
    await page.goto(at('/expirations'))
    await press(page, 'Renew Stripe, webhooks')
    await page.getByRole('dialog').getByText('1 year').click()
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    const { body } = await opened.keyturn.request('GET', '/v1/organizations/default/tracked-credentials')
    expect(Date.parse(body.data[0].expires_at)).toBeGreaterThan(Date.now() + 300 * day * 1000)
    expect(owner.failures).toEqual([])
  })

  it('edits metadata as JSON: what is none is said at once and stays, and the value of the key is the same', async () => {
    const { page } = owner
    await page.goto(at(`/keys/${ids['Alpha']}`))
    await page.getByRole('button', { name: 'Edit', exact: true }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Metadata').fill('{"tier": "gold"')
    await dialog.getByText('This is no JSON').waitFor()
    expect(await dialog.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true)
    await dialog.getByLabel('Metadata').fill('{"tier": "gold", "seats": 12}')
    await dialog.getByLabel('Scopes', { exact: true }).fill('orders:read')
    await dialog.getByLabel('Scopes', { exact: true }).press('Enter')
    await dialog.getByLabel('Allowed addresses', { exact: true }).fill('203.0.113.0/24')
    await dialog.getByLabel('Allowed addresses', { exact: true }).press('Enter')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.waitFor({ state: 'detached' })
    expect(await keyNow('Alpha')).toMatchObject({
      metadata: { tier: 'gold', seats: 12 },
      scopes: ['orders:read'],
      allowed_ips: ['203.0.113.0/24'],
    })
    expect(owner.failures).toEqual([])
  })

  it('gives the value away whole: as .env, by copying, in a command that runs, and with a key that can only verify', async () => {
    const { page } = owner
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.goto(at('/keys?new=key'))
    await page.getByRole('dialog').getByLabel(/^Name/).fill('Zapier, production')
    await press(page, 'Create the key')
    const value = (await page.getByTestId('secret').textContent()) ?? ''
    expect(await downloadBy('button', 'Save as .env')).toMatchObject({ text: `ZAPIER_PRODUCTION_KEY=${value}\n` })
    await press(page, 'Copy the value')
    await page.getByText('Copied').waitFor()
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(value)
    const command = (await page.locator('pre').first().textContent()) ?? ''
    const { stdout } = await promisify(execFile)('sh', ['-c', command], {
      env: { PATH: `${process.env['PATH']}:${path.dirname(process.execPath)}:${bin}` },
    })
    expect(JSON.parse(stdout)).toMatchObject({ key: { name: 'Zapier, production', status: 'active' } })
    await press(page, 'Make a verify-only key')
    const verifyKey = (await page.getByTestId('verify-key').textContent()) ?? ''
    const asked = await opened.keyturn.request('POST', '/v1/verify', { key: verifyKey, body: { key: value } })
    expect(asked.body).toMatchObject({ valid: true, code: 'VALID' })
    const list = await opened.keyturn.request('GET', '/v1/organizations/default/keys', { key: verifyKey })
    expect(list.status).toBe(403)
    await takeSecret(page)
    expect(owner.failures).toEqual([])
  })

  it('copies over plain http under another name, too, where browsers keep the clipboard to themselves', async () => {
    const elsewhere = opened.keyturn.url.replace('127.0.0.1', 'keyturn.internal')
    const { page, origins } = await opened.openAs(person)
    origins.add(elsewhere)
    const cookies = [...person.cookies].map(([name, value]) => ({ name, value, url: elsewhere }))
    await page.context().addCookies(cookies)
    await page.goto(`${elsewhere}/console/default/keys?q=alpha`)
    await headingOf(page).getByText('Keys').waitFor()
    expect(await page.evaluate('navigator.clipboard === undefined')).toBe(true)
    await press(page, 'Copy the id of Alpha')
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    await page.getByRole('searchbox', { name: 'Search' }).fill('')
    await page.getByRole('searchbox', { name: 'Search' }).press('Control+v')
    expect(await page.getByRole('searchbox', { name: 'Search' }).inputValue()).toBe(ids['Alpha'])
    await page.context().close()
  })

  it('goes on to the next page of keys, of ends and of events, and back to the first', async () => {
    const { page } = owner
    const { keyturn } = opened
    const { body: made } = await keyturn.request('GET', '/v1/organizations/default')
    await keyturn.request('PATCH', '/v1/organizations/default', { body: { policy: { max_active_keys: 500 } } })
    const { id } = await keyturn.createProject(made.id)
    for (let number = 0; number < 60; number++) await keyturn.createKey(id, { name: `Paged ${number}` })
    for (const [place, first, next] of [
      ['/keys', 'First page', 'Next page'],
      ['/expirations', 'First page', 'Next page'],
      ['/audit', 'Newest', 'Older'],
    ] as const) {
      await page.goto(at(place))
      await page.getByRole('button', { name: next, exact: true }).click()
      await page.waitForURL(/cursor=/)
      await page.getByRole('button', { name: first, exact: true }).click()
      await page.waitForURL((url) => !url.searchParams.has('cursor'))
      await expect.poll(() => page.getByRole('button', { name: first, exact: true }).isDisabled()).toBe(true)
    }
  })
})
