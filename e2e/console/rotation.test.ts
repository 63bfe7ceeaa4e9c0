import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { join, type Person, setUpOwner } from '../../packages/server/test/support/people.ts'
import {
  expectNowhere,
  expectRefused,
  headingOf,
  type OpenConsole,
  openConsole,
  press,
  settled,
  takeSecret,
  type Watched,
} from './console.ts'

const day = 86_400

describe('rotating and handing over in the console', () => {
  let opened: OpenConsole
  let owner: Watched
  let person: Person
  beforeAll(async () => {
    opened = await openConsole()
    person = await setUpOwner(opened.keyturn)
    owner = await opened.openAs(person)
  })
  afterAll(() => opened.close())
  const at = (path: string) => `${opened.keyturn.url}${path}`
  const verdictOf = async (value: string) => (await opened.keyturn.verify(value)).code

  it('leaves no call refused while both secrets are live, says when it is safe, and ends the old one', async () => {
    const { page } = owner
    const { key, secret } = await opened.keyturn.createKey('default', { name: 'Partner' })
    const verdicts = new Set<string>()
    let calling = true
    const values = [secret.value]
    const caller = (async () => {
      while (calling) for (const value of values) verdicts.add(await verdictOf(value))
    })()
    await page.goto(at(`/console/default/keys/${key.id}`))
    await page.getByRole('button', { name: 'Rotate', exact: true }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Rotate' }).click()
    await page.getByTestId('secret').waitFor()
    const fresh = (await page.getByTestId('secret').textContent()) ?? ''
    await expectNowhere(page, fresh)
    values.push(fresh)
    expect(await takeSecret(page)).toBe(fresh)
    const [newer, older] = [
      page.getByRole('region', { name: /^New secret/ }),
      page.getByRole('region', { name: /^Old, retiring secret/ }),
    ]
    await newer.waitFor()
    await older.waitFor()
    calling = false
    await caller
    expect([...verdicts]).toEqual(['VALID'])
    // Called a moment ago: that wants to be said twice.
    await press(page, 'Finish now')
    await page.getByRole('alert').waitFor()
    await press(page, 'Do it all the same')
    await page.getByText('The rotation is finished.').waitFor()
    expect([await verdictOf(secret.value), await verdictOf(fresh)]).toEqual(['ROTATED', 'VALID'])
    expectRefused(owner, /^409 .*finish$/)
  })

  it('hands a new secret over by a link that nobody inside sees behind, and promotes it', async () => {
    const { page } = owner
    const { key, secret } = await opened.keyturn.createKey('default', { name: 'Outside' })
    await page.goto(at(`/console/default/keys/${key.id}`))
    await press(page, 'Make a link')
    const url = (await page.getByTestId('claim-link').textContent()) ?? ''
    await expectNowhere(page, url)
    await page.getByRole('dialog').getByRole('button', { name: 'Close', exact: true }).click()
    const holder = await opened.open()
    await holder.page.goto(url.replace(/^https?:\/\/[^/]+/, opened.keyturn.url))
    await holder.page.getByRole('checkbox').check()
    await holder.page.getByRole('button', { name: 'Make the secret and show it' }).click()
    const handed = (await holder.page.locator('#secret').textContent()) ?? ''
    await holder.page.context().close()
    expect(await verdictOf(handed)).toBe('VALID')
    await page.reload()
    await page.getByRole('region', { name: /^New, staged secret/ }).waitFor()
    expect(await page.content()).not.toContain(handed)
    await page.getByText('Claimed').first().waitFor()
    await press(page, 'Promote the staged one')
    await page.getByText('The staged secret is the primary now.').waitFor()
    expect([await verdictOf(secret.value), await verdictOf(handed)]).toEqual(['VALID', 'VALID'])
  })

  it('replaces a leaked one at once, whatever stood in the way', async () => {
    const { page } = owner
    const { key, secret } = await opened.keyturn.createKey('default', { name: 'Leaky' })
    await page.goto(at(`/console/default/keys/${key.id}`))
    await press(page, 'New secret now, end every old one')
    await page.getByRole('button', { name: 'Replace now' }).click()
    const fresh = await takeSecret(page)
    expect([await verdictOf(secret.value), await verdictOf(fresh)]).toEqual(['ROTATED', 'VALID'])
  })

  it('rotates the legacy key, and offers nothing of what it cannot have', async () => {
    const { page } = owner
    await page.goto(at('/console/default/keys?q=legacy'))
    await press(page, 'More with Legacy key')
    expect(await page.getByRole('menuitem', { name: /Revoke|Delete|Disable/ }).count()).toBe(0)
    await page.keyboard.press('Escape')
    await page.getByRole('link', { name: 'Legacy key' }).click()
    await page.getByRole('button', { name: 'Rotate', exact: true }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Rotate' }).click()
    await page.getByTestId('secret').waitFor()
    await page.getByLabel('I have seen it').check()
    await page.getByRole('button', { name: 'Close', exact: true }).click()
    await page.getByRole('region', { name: /^Old, retiring secret/ }).waitFor()
  })

  it('shows everything that ends, and tracks a credential by what it says, never by its value', async () => {
    const { page } = owner
    await opened.keyturn.createKey('default', { name: 'Soon over', expires_in: 5 * day })
    await page.goto(at('/console/default/expirations?within=7d'))
    await page.getByRole('link', { name: 'Soon over' }).waitFor()
    await press(page, 'Track one')
    const part = (text: object) => Buffer.from(JSON.stringify(text)).toString('base64url')
    const exp = Math.floor(Date.now() / 1000) + 40 * day
    const token = `${part({ alg: 'RS256', kid: 'k1' })}.${part({ iss: 'https://stripe.example', exp })}.c2lnbmF0dXJl`
    await page.getByLabel(/Paste a token/).fill(token)
    await page.getByText('https://stripe.example').waitFor()
    const sent: string[] = []
    page.on('request', (request) => sent.push(`${request.url()} ${request.postData() ?? ''}`))
    await page.getByRole('dialog').getByLabel(/^Name/).fill('Stripe, webhooks')
    await page.getByRole('button', { name: 'Track it' }).click()
    await page.getByText('Stripe, webhooks').first().waitFor()
    expect(sent.some((one) => one.includes('stripe.example'))).toBe(true)
    expect(sent.join('\n')).not.toContain('c2lnbmF0dXJl')
    expect(await page.content()).not.toContain('c2lnbmF0dXJl')
    await page.getByLabel('For whose calendar?').fill('The team')
    await page.getByRole('region', { name: 'In your calendar' }).getByRole('button', { name: 'Make a link' }).click()
    const feed = (await page.getByTestId('feed-url').textContent()) ?? ''
    expect(feed).toContain('/expirations.ics?token=')
    await expectNowhere(page, feed)
  })

  it('says why a value is refused, and of one that works what it is', async () => {
    const { page } = owner
    const { secret } = await opened.keyturn.createKey('default', { name: 'Checked' })
    const { key: gone, secret: goneSecret } = await opened.keyturn.createKey('default', { name: 'Gone' })
    await opened.keyturn.request('POST', `/v1/keys/${gone.id}/revoke`, { body: { reason: 'test' } })
    await page.goto(at('/console/default'))
    await page.goto(at('/console/default/check'))
    const check = async (value: string) => {
      await page.getByRole('textbox', { name: 'Value' }).fill(value)
      await page.getByRole('button', { name: 'Check', exact: true }).click()
      return (await page.getByTestId('outcome').textContent()) ?? ''
    }
    expect(await check(` ${secret.value}`)).toContain('white space before or after')
    expect(await check(secret.value)).toContain('calls with it pass')
    await expectNowhere(page, secret.value)
    const refused = await check(goneSecret.value)
    expect(refused).toContain('it was revoked')
    await page.getByRole('link', { name: 'Gone' }).waitFor()
    // The API's own answer to a value that it refuses.
    expectRefused(owner, /^401 .*\/v1\/keys\/self$/)
  })

  it('lets a member do what theirs is, and says in the place of other buttons which role is wanted and whom to ask', async () => {
    const member = await join(opened.keyturn, 'default', { role: 'member' })
    await opened.keyturn.createKey('default', { name: 'Theirs', owner: member.email })
    const { key: foreign } = await opened.keyturn.createKey('default', { name: 'Not theirs' })
    const watched = await opened.openAs(member)
    const { page } = watched
    await page.goto(at('/console/default'))
    // They land on what is theirs.
    await page.waitForURL(/\/keys\?owner=/)
    await page.getByRole('link', { name: 'Theirs', exact: true }).waitFor()
    expect(await page.getByRole('link', { name: 'Not theirs' }).count()).toBe(0)
    await page
      .getByText(/Creating and importing keys wants the role manager or administrator\. Ask Olga Owner/)
      .waitFor()
    expect(await page.getByRole('link', { name: 'Members' }).count()).toBe(0)
    await page.goto(at(`/console/default/keys/${foreign.id}`))
    await page
      .getByText(/Rotating wants the role manager/)
      .first()
      .waitFor()
    expect(await page.getByRole('button', { name: 'Rotate', exact: true }).count()).toBe(0)
    for (const path of ['settings', 'members', 'audit', 'expirations', 'check', 'account']) {
      await page.goto(at(`/console/default/${path}`))
      await headingOf(page).waitFor()
      await settled(watched)
    }
    await page.context().close()
  })

  it('lets in whoever comes through a product, where they belong and nowhere else', async () => {
    const { body } = await opened.keyturn.request('POST', '/v1/organizations/default/portal-sessions', {
      body: { email: 'customer@example.com', name: 'Cora Customer', role: 'admin' },
    })
    const { page } = await opened.open()
    await page.goto(body.url.replace(/^https?:\/\/[^/]+/, opened.keyturn.url))
    await page.waitForURL(/\/console\/default/)
    await page.goto(at('/console/default/keys'))
    await headingOf(page).getByText('Keys').waitFor()
    await page.goto(at('/console/default/account'))
    await page.getByText('You came here through a product').waitFor()
    await page.goto(at('/console/somewhere-else'))
    expect(await headingOf(page).textContent()).toBe('There is no such page')
    await page.context().close()
  })

  it('sees to what somebody leaves: hands over, rotates, and shows the new values once', async () => {
    const leaver = await join(opened.keyturn, 'default', { role: 'manager' })
    const made = await leaver.request('POST', '/v1/projects/default/keys', { body: { name: 'Left behind' } })
    const { page } = owner
    await page.goto(at('/console/default/members'))
    await page
      .getByRole('row', { name: leaver.email })
      .getByRole('button', { name: /^Change/ })
      .click()
    await page.getByRole('menuitem', { name: 'They leave…' }).click()
    await page.getByText('owns it, made it, has seen its value').waitFor()
    await page
      .getByRole('combobox', { name: /handed to/ })
      .or(page.getByPlaceholder('Choose somebody'))
      .first()
      .click()
    await page.getByRole('option', { name: /Olga Owner/ }).click()
    await page.getByLabel(`Type ${leaver.email}`).fill(leaver.email)
    await page.getByRole('button', { name: /^Remove/ }).click()
    await headingOf(page).getByText('is removed').waitFor()
    const row = page.getByRole('row', { name: /Left behind/ })
    const fresh = ((await row.locator('.mono').textContent()) ?? '').trim()
    expect(await verdictOf(fresh)).toBe('VALID')
    expect(await verdictOf(made.body.secret.value)).toBe('VALID')
    await expectNowhere(page, fresh)
  })
})
