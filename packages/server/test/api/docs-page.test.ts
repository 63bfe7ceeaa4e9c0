import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBrowser } from '../support/browser.ts'
import { engines } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { allOperations } from '../support/operations.ts'

const [engine] = engines
if (!engine) throw new Error('there is no engine to test on')

/** A page with all that went wrong on it. */
interface Watched {
  readonly page: Page
  /** Where requests went, but for those to this very server. */
  readonly elsewhere: string[]
  readonly failures: string[]
}

describe('the documentation in a browser', () => {
  let keyturn: Keyturn
  let browser: Browser
  let docs: Watched
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    browser = await openBrowser()
    docs = await open('/docs')
    await docs.page
      .locator('.opblock')
      .nth(allOperations.length - 1)
      .waitFor()
  })
  afterAll(async () => {
    await browser?.close()
    await keyturn.stop()
  })

  async function open(path: string): Promise<Watched> {
    const page = await browser.newPage({ colorScheme: 'light', viewport: { width: 1280, height: 900 } })
    const elsewhere: string[] = []
    const failures: string[] = []
    page.on('request', (request) => {
      if (request.url().startsWith('data:')) return
      if (new URL(request.url()).origin !== keyturn.url) elsewhere.push(request.url())
    })
    page.on('requestfailed', (request) => failures.push(`${request.url()} ${request.failure()?.errorText}`))
    page.on('response', (response) => {
      if (response.status() >= 400) failures.push(`${response.url()} ${response.status()}`)
    })
    page.on('pageerror', (error) => failures.push(String(error)))
    // The browser says here, too, what a Content-Security-Policy has stopped.
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) failures.push(message.text())
    })
    await page.goto(`${keyturn.url}${path}`)
    return { page, elsewhere, failures }
  }

  const expectNothingWrong = ({ elsewhere, failures }: Watched) =>
    expect({ elsewhere, failures }).toEqual({ elsewhere: [], failures: [] })

  /** How bright the page and its text are, from 0 to 255. */
  async function brightnessOf(page: Page): Promise<{ page: number; text: number }> {
    const script = `[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector('h1, h2')).color]`
    const [background, text] = (await page.evaluate<string[]>(script)).map((color) => {
      const parts =
        color
          .match(/[\d.]+/g)
          ?.slice(0, 3)
          .map(Number) ?? []
      return parts.reduce((sum, part) => sum + part, 0) / 3
    })
    return { page: background ?? Number.NaN, text: text ?? Number.NaN }
  }

  async function expectReadable({ page }: Watched) {
    await page.emulateMedia({ colorScheme: 'light' })
    await expect.poll(async () => (await brightnessOf(page)).page).toBeGreaterThan(200)
    expect((await brightnessOf(page)).text).toBeLessThan(100)
    await page.emulateMedia({ colorScheme: 'dark' })
    await expect.poll(async () => (await brightnessOf(page)).page).toBeLessThan(60)
    expect((await brightnessOf(page)).text).toBeGreaterThan(180)
    await page.setViewportSize({ width: 400, height: 800 })
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(400)
    await page.setViewportSize({ width: 1280, height: 900 })
  }

  it('is allowed by its Content-Security-Policy nothing from elsewhere', async () => {
    for (const path of ['/docs', '/docs/errors']) {
      const { headers } = await keyturn.request('GET', path, { key: null })
      const policy = headers.get('content-security-policy')
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).not.toMatch(/https?:|\*|unsafe-eval|script-src[^;]*unsafe/)
    }
  })

  it('shows every endpoint, with nothing loaded from elsewhere and no error', async () => {
    const shown = await docs.page.locator('.opblock-summary').evaluateAll((summaries) =>
      summaries.map((summary) => {
        const textOf = (selector: string) => summary.querySelector(selector)?.textContent?.replaceAll('\u200b', '')
        return `${textOf('.opblock-summary-method')} ${textOf('.opblock-summary-path')}`
      }),
    )
    expect(shown.sort()).toEqual(allOperations.map(({ name }) => name).sort())
    expect(await docs.page.title()).toBe('Keyturn API')
    expectNothingWrong(docs)
  })

  it('lets an endpoint be tried with a key, and the answer is the server’s own', async () => {
    const { page } = docs
    await page.getByRole('button', { name: 'Authorize' }).click()
    await page.locator('.modal-ux input').first().fill(keyturn.rootKey)
    await page.locator('.modal-ux button[type=submit]').first().click()
    await page.locator('.modal-ux .btn-done').first().click()
    const operation = page.locator('.opblock', { hasText: 'List organizations' })
    await operation.locator('.opblock-summary-control').click()
    await operation.getByRole('button', { name: 'Execute' }).click()
    const answer = operation.locator('.live-responses-table .response')
    await answer.waitFor()
    expect(await answer.locator('.response-col_status').textContent()).toMatch(/^200/)
    expect(await answer.textContent()).toContain('"slug": "default"')
    expectNothingWrong(docs)
  })

  it('is light or dark as its reader likes it, and fits a telephone', async () => {
    await expectReadable(docs)
    expectNothingWrong(docs)
  })

  it('of error codes shows the one that was asked for', async () => {
    const errors = await open('/docs/errors#key_revoked')
    expect(await errors.page.locator('tr:target').textContent()).toContain('Revoked is for ever')
    expect(await errors.page.locator('tr:target').isVisible()).toBe(true)
    await expectReadable(errors)
    expectNothingWrong(errors)
  })
})
