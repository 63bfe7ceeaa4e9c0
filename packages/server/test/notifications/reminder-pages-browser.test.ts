import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { actionLinks, expiryOfLinks, type Wish } from '../../src/notifications/action-links.ts'
import { openBrowser } from '../support/browser.ts'
import { engines } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { goodPassword, type Person, setUpOwner } from '../support/people.ts'

const [engine] = engines
if (!engine) throw new Error('there is no engine to test on')

describe('the pages of a reminder, in a browser', () => {
  let keyturn: Keyturn
  let browser: Browser
  let owner: Person
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    owner = await setUpOwner(keyturn)
    browser = await openBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await keyturn.stop()
  })

  const name = 'Zapier, <i>production</i> שלום'
  async function makeLinks() {
    const { key, secret } = await keyturn.createKey('default', {
      name,
      owner: 'ada@example.com',
      expires_in: 14 * 86_400,
    })
    const endsAt = Date.parse(secret.expires_at ?? '')
    return actionLinks(keyturn.masterKey, keyturn.url, {
      organizationId: key.organization_id,
      keyId: key.id,
      subjectId: secret.id,
      reason: 'expiry',
      endsAt,
      recipient: 'ada@example.com',
      expiresAt: expiryOfLinks(endsAt, 0),
    })
  }

  /** A page, with all that went wrong on it and all that it asked for elsewhere. */
  async function open(options: BrowserContextOptions = {}, signedIn = false) {
    const context = await browser.newContext(options)
    if (signedIn)
      await context.addCookies([...owner.cookies].map(([cookie, value]) => ({ name: cookie, value, url: keyturn.url })))
    const page = await context.newPage()
    const failures: string[] = []
    page.on('request', (request) => {
      if (!request.url().startsWith('data:') && new URL(request.url()).origin !== keyturn.url)
        failures.push(`elsewhere: ${request.url()}`)
    })
    page.on('pageerror', (error) => failures.push(String(error)))
    page.on('console', (message) => {
      const text = message.text()
      if (['error', 'warning'].includes(message.type()) && !/status of (403|404|409|422|429)/.test(text))
        failures.push(text)
    })
    return { page, failures, close: () => context.close() }
  }
  const headingOf = (page: Page) => page.getByRole('heading', { level: 1 }).textContent()
  const press = (page: Page, button: string) => page.getByRole('button', { name: button }).click()

  it('take whoever came by a mail through asking, and whoever signs in through rotating, without JavaScript', async () => {
    const links = await makeLinks()
    const { page, failures, close } = await open({ javaScriptEnabled: false })
    await page.goto(links.extend)
    expect(await headingOf(page)).toBe(name)
    await press(page, 'Send')
    expect(await headingOf(page)).toBe(name)
    // What they came for is first, and nothing is chosen for them.
    expect(await page.getByRole('radio').first().getAttribute('value')).toBe('extend')
    expect(await page.getByRole('radio', { checked: true }).count()).toBe(0)
    await page.getByLabel('Ask an administrator for a later end').check()
    await page.getByLabel('A note').fill('We need until spring.\nPlease.')
    await press(page, 'Send')
    expect(await headingOf(page)).toBe('Asked')

    await page.goto(links.rotate)
    await page.getByRole('link', { name: 'Sign in' }).click()
    await page.getByLabel('E-mail address').fill(owner.email)
    await page.getByLabel('Password').fill(goodPassword)
    await press(page, 'Sign in')
    expect(page.url()).toBe(links.rotate)
    await press(page, 'Make a new secret')
    const value = (await page.locator('#secret').textContent()) ?? ''
    expect((await keyturn.verify(value)).code).toBe('VALID')
    await page.reload()
    expect(await page.content()).not.toContain(value)
    expect(failures).toEqual([])
    await close()
  })

  it('copy the new secret, and show it to whoever clicks twice, where there is JavaScript', async () => {
    const { rotate } = await makeLinks()
    const { page, failures, close } = await open({}, true)
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: keyturn.url })
    await page.goto(rotate)
    await page.getByRole('button', { name: 'Make a new secret' }).dblclick()
    const value = await page.locator('#secret').textContent()
    await press(page, 'Copy the secret')
    await expect.poll(() => page.locator('#secret-state').textContent()).toBe('Copied.')
    expect(await page.evaluate<string>('navigator.clipboard.readText()')).toBe(value)
    expect(failures).toEqual([])
    await close()
  })

  describe('are accessible, light or dark as their reader likes it, and fit a telephone', () => {
    const situations: Record<
      string,
      {
        wish: Wish
        signedIn?: boolean
        act?: (page: Page) => Promise<unknown>
        schemes?: readonly ('light' | 'dark')[]
      }
    > = {
      'for a reader': { wish: 'lapse' },
      'with something missing': {
        wish: 'extend',
        schemes: ['dark'],
        act: async (page) => {
          await page.locator('form').evaluate((form) => form.setAttribute('novalidate', ''))
          await press(page, 'Send')
        },
      },
      'for somebody signed in': { wish: 'extend', signedIn: true },
      'with a new secret': { wish: 'rotate', signedIn: true, act: (page) => press(page, 'Make a new secret') },
      'of a link that works no more': {
        wish: 'lapse',
        schemes: ['light'],
        act: (page) => page.goto(`${keyturn.url}/reminders/nonsense`),
      },
    }
    it.each(Object.keys(situations))('%s', async (situation) => {
      const { wish, signedIn, act, schemes } = situations[situation] ?? { wish: 'lapse' }
      for (const colorScheme of schemes ?? (['light', 'dark'] as const)) {
        const links = await makeLinks()
        const { page, failures, close } = await open({ colorScheme, viewport: { width: 360, height: 740 } }, signedIn)
        await page.goto(links[wish])
        await act?.(page)
        const { violations } = await new AxeBuilder({ page }).analyze()
        expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([])
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360)
        expect(failures).toEqual([])
        await close()
      }
    })
  })
})
