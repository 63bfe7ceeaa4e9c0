import { AxeBuilder } from '@axe-core/playwright'
import type { ClaimLinkCreated, Key } from '@keyturn/contract'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBrowser } from '../support/browser.ts'
import { engines } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'

const [engine] = engines
if (!engine) throw new Error('there is no engine to test on')

const button = 'Make the secret and show it'
const purpose = 'Sends new orders to the warehouse.\nRun by Northwind Consulting.'

describe('the page of a claim link in a browser', () => {
  let keyturn: Keyturn
  let browser: Browser
  let project: string
  beforeAll(async () => {
    keyturn = await openKeyturn(engine, { KEYTURN_PUBLIC_URL: 'https://keys.example.com' })
    browser = await openBrowser()
    const organization = await keyturn.createOrganization({ name: 'Globex', notification_email: 'keys@globex.example' })
    project = (await keyturn.createProject(organization.id, { name: 'Storefront' })).id
  })
  afterAll(async () => {
    await browser?.close()
    await keyturn.stop()
  })

  const act = (key: Pick<Key, 'id'>, action: string, body: object = {}) =>
    keyturn.request('POST', `/v1/keys/${key.id}/${action}`, { body })

  async function makeLink(): Promise<{ key: Key; value: string; link: ClaimLinkCreated; url: string }> {
    const { key, secret } = await keyturn.createKey(project, { name: 'Zapier, production', purpose })
    const { body: link } = await act(key, 'claim-links')
    return { key, value: secret.value, link, url: `${keyturn.url}${new URL(link.url).pathname}` }
  }

  /** A page, with all that went wrong on it and all that it asked for elsewhere. */
  async function open(url: string, options: BrowserContextOptions = {}): Promise<{ page: Page; failures: string[] }> {
    const context = await browser.newContext(options)
    const page = await context.newPage()
    const failures: string[] = []
    page.on('request', (request) => {
      if (!request.url().startsWith('data:') && new URL(request.url()).origin !== keyturn.url)
        failures.push(`elsewhere: ${request.url()}`)
    })
    page.on('pageerror', (error) => failures.push(String(error)))
    // The browser says here, too, what a Content-Security-Policy has stopped; that a page has status 410 it says as well.
    page.on('console', (message) => {
      const text = message.text()
      if (['error', 'warning'].includes(message.type()) && !/status of (409|410|422)/.test(text)) failures.push(text)
    })
    await page.goto(url)
    return { page, failures }
  }

  const claim = async (page: Page): Promise<string> => {
    await page.getByRole('checkbox').check()
    await page.getByRole('button', { name: button }).click()
    return (await page.locator('#secret').textContent()) ?? ''
  }
  const headingOf = (page: Page) => page.getByRole('heading', { level: 1 }).textContent()
  const claimedAt = async (key: Key) =>
    (await keyturn.request('GET', `/v1/keys/${key.id}/claim-links`)).body.data[0].claimed_at

  it.each([
    ['without JavaScript', false],
    ['with JavaScript', true],
  ])('%s gives whoever presses the button the secret, once', async (_, javaScriptEnabled) => {
    const { value, url } = await makeLink()
    const { page, failures } = await open(url, { javaScriptEnabled })
    expect(await page.title()).toBe('A new secret for Zapier, production')
    expect(await page.getByText('Nobody at Globex sees it').isVisible()).toBe(true)
    expect(await page.getByText('Run by Northwind Consulting').isVisible()).toBe(true)
    const claimed = await claim(page)
    expect(await headingOf(page)).toBe('Your new secret for Zapier, production')
    expect(page.url()).toBe(url)
    expect([(await keyturn.verify(value)).code, (await keyturn.verify(claimed)).code]).toEqual(['VALID', 'VALID'])
    const text = await page.locator('main').innerText()
    for (const part of [/Both work side by side until/, /keys@globex\.example/, /Once this page is closed/])
      expect(text).toMatch(part)
    expect(await page.locator('#curl').textContent()).toBe(
      `curl -H 'Authorization: Bearer ${claimed}' 'https://keys.example.com/v1/keys/self'`,
    )

    // Loading it again sends the form again, as browsers do; whoever lost the answer is told what happened and whom to ask.
    await page.reload()
    expect(await headingOf(page)).toBe('This link was already used')
    expect(await page.locator('main').innerText()).toMatch(/It was used on .* UTC[^]*keys@globex\.example/)
    expect(await page.content()).not.toContain(claimed.slice(12))
    await page.goBack().catch(() => {})
    expect(await page.content()).not.toContain(claimed.slice(12))
    expect(failures).toEqual([])
    await page.context().close()
  })

  it('lets nobody press the button before the box is ticked, and has made nothing until then', async () => {
    const { key, url } = await makeLink()
    const { page } = await open(url, { javaScriptEnabled: false })
    expect(await page.getByRole('checkbox').isChecked()).toBe(false)
    await page.getByRole('button', { name: button }).click()
    expect(await headingOf(page)).toBe('A new secret for Zapier, production')
    expect(await claimedAt(key)).toBeNull()
    expect(await claim(page)).toMatch(/^kt_live_/)
    expect(await claimedAt(key)).not.toBeNull()
    await page.context().close()
  })

  it('says what is missing where a browser does not', async () => {
    const { key, url } = await makeLink()
    const { page } = await open(url)
    await page.locator('form').evaluate((form) => form.setAttribute('novalidate', ''))
    await page.getByRole('button', { name: button }).click()
    expect(await page.getByRole('alert').textContent()).toBe('Tick the box first.')
    expect(await claimedAt(key)).toBeNull()
    await page.context().close()
  })

  it('shows the secret to whoever clicks twice, where there is JavaScript', async () => {
    const { url } = await makeLink()
    const { page } = await open(url)
    await page.getByRole('checkbox').check()
    await page.getByRole('button', { name: button }).dblclick()
    expect(await page.locator('#secret').textContent()).toMatch(/^kt_live_/)
    await page.context().close()
  })

  it.each([
    ['with the clipboard API', true],
    ['over plain HTTP, where browsers have none', false],
  ])('copies the secret and the command, %s', async (_, hasClipboard) => {
    const { url } = await makeLink()
    const { page, failures } = await open(url)
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: keyturn.url })
    const claimed = await claim(page)
    const read = () => page.evaluate<string>('navigator.clipboard.readText()')
    const hide = () =>
      page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true })")
    for (const [name, id, expected] of [
      ['Copy the secret', 'secret', claimed],
      [
        'Copy the command',
        'curl',
        `curl -H 'Authorization: Bearer ${claimed}' 'https://keys.example.com/v1/keys/self'`,
      ],
    ] as const) {
      if (!hasClipboard) await hide()
      await page.getByRole('button', { name }).click()
      await expect.poll(() => page.locator(`#${id}-state`).textContent()).toBe('Copied.')
      if (!hasClipboard) await page.evaluate('delete navigator.clipboard')
      expect((await read()).trim()).toBe(expected)
    }
    expect(failures).toEqual([])
    await page.context().close()
  })

  it('selects all of the secret with one click where nothing can be copied by a button', async () => {
    const { url } = await makeLink()
    const { page } = await open(url)
    const claimed = await claim(page)
    await page.locator('#secret').click()
    expect(await page.evaluate('String(getSelection())')).toBe(claimed)
    await page.context().close()
  })

  it('has buttons for copying only where they work', async () => {
    const { url } = await makeLink()
    const { page } = await open(url, { javaScriptEnabled: false })
    await claim(page)
    expect(await page.getByRole('button').count()).toBe(0)
    await page.context().close()
  })

  describe('is accessible, light or dark as its reader likes it, and fits a telephone', () => {
    const situations: Record<string, (made: Awaited<ReturnType<typeof makeLink>>, page: Page) => Promise<unknown>> = {
      open: async () => {},
      claimed: (_, page) => claim(page),
      used: async (_, page) => {
        await claim(page)
        await page.reload()
      },
      withdrawn: async ({ key, link }, page) => {
        await keyturn.request('DELETE', `/v1/keys/${key.id}/claim-links/${link.id}`)
        await page.reload()
      },
      'of a revoked key': async ({ key }, page) => {
        await act(key, 'revoke')
        await page.reload()
      },
      'of a disabled key': async ({ key }, page) => {
        await act(key, 'disable')
        await page.reload()
      },
      'in the midst of a rotation': async ({ key }, page) => {
        await act(key, 'rotate')
        await page.reload()
      },
      unknown: (_, page) => page.goto(`${keyturn.url}/claim/nonsense`),
    }

    it.each(Object.keys(situations))('%s', async (name) => {
      for (const colorScheme of ['light', 'dark'] as const) {
        const made = await makeLink()
        const { page } = await open(made.url, { colorScheme, viewport: { width: 360, height: 740 } })
        await situations[name]?.(made, page)
        const { violations } = await new AxeBuilder({ page }).analyze()
        expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([])
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360)
        const brightness = await page.evaluate<number>(
          `getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0)`,
        )
        expect(brightness > 600).toBe(colorScheme === 'light')
        await page.context().close()
      }
    })

    it('can be worked with the keyboard alone', async () => {
      const { url } = await makeLink()
      const { page } = await open(url)
      await page.keyboard.press('Tab')
      await page.keyboard.press('Space')
      await page.keyboard.press('Tab')
      await page.keyboard.press('Enter')
      expect(await page.locator('#secret').textContent()).toMatch(/^kt_live_/)
      await page.context().close()
    })
  })
})
