import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { expect } from 'vitest'
import { openBrowser } from '../../packages/server/test/support/browser.ts'
import { engines } from '../../packages/server/test/support/engines.ts'
import { type Keyturn, openKeyturn } from '../../packages/server/test/support/keyturn.ts'
import { goodPassword, type Person } from '../../packages/server/test/support/people.ts'
import { ensureConsole } from '../../scripts/ensure-console.mjs'
import { findKept, secretShapes } from './kept.ts'
import { pages, type Watched } from './watched.ts'

export type { Watched } from './watched.ts'

/** What was refused on purpose, and nothing else, is forgotten: each pattern is there. */
export function expectRefused({ failures }: Watched, ...refusals: RegExp[]): void {
  const found = failures.splice(0).filter((one) => !one.startsWith('Failed to load resource'))
  for (const refusal of refusals) expect(found).toContainEqual(expect.stringMatching(refusal))
  expect(found.filter((one) => !refusals.some((refusal) => refusal.test(one)))).toEqual([])
}

/** The console in a real browser, on a real server. */
export interface OpenConsole {
  readonly keyturn: Keyturn
  readonly browser: Browser
  open(options?: BrowserContextOptions): Promise<Watched>
  /** Signed in, by the cookies of somebody who did so through the API. */
  openAs(person: Person, options?: BrowserContextOptions): Promise<Watched>
  close(): Promise<void>
}

/** @param environment settings of the server */
export async function openConsole(environment: Record<string, string> = {}): Promise<OpenConsole> {
  await ensureConsole()
  const [engine] = engines
  if (!engine) throw new Error('there is no engine to test on')
  const keyturn = await openKeyturn(engine, environment)
  const browser = await openBrowser()
  const open = async (options: BrowserContextOptions = {}): Promise<Watched> => {
    const context = await browser.newContext({
      locale: 'en-GB',
      timezoneId: 'Europe/Berlin',
      viewport: { width: 1280, height: 900 },
      reducedMotion: 'reduce',
      ...options,
    })
    const page = await context.newPage()
    page.setDefaultTimeout(20_000)
    const failures: string[] = []
    const pending = new Set<unknown>()
    const origins = new Set([keyturn.url])
    page.on('request', (request) => pending.add(request))
    page.on('requestfinished', (request) => pending.delete(request))
    page.on('requestfailed', (request) => pending.delete(request))
    page.on('request', (request) => {
      const url = request.url()
      if (!/^(data|blob):/.test(url) && !origins.has(new URL(url).origin)) failures.push(`elsewhere: ${url}`)
      if (secretShapes.test(`${url} ${request.headers()['referer']}`)) failures.push(`a secret in an address: ${url}`)
    })
    page.on('response', (response) => {
      if (response.status() >= 400) failures.push(`${response.status()} ${response.url()}`)
    })
    page.on('pageerror', (error) => failures.push(String(error)))
    // The browser says here, too, what a Content-Security-Policy has stopped.
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) failures.push(message.text())
    })
    const watched = { page, failures, origins, pending }
    pages.add(watched)
    return watched
  }
  return {
    keyturn,
    browser,
    open,
    openAs: async (person, options) => {
      const watched = await open(options)
      const cookies = [...person.cookies].map(([name, value]) => ({ name, value, url: keyturn.url }))
      await watched.page.context().addCookies(cookies)
      return watched
    },
    close: async () => {
      pages.clear()
      await browser.close()
      await keyturn.stop()
    },
  }
}

/** Nothing that keeps, or is seen by others, has it: the address, what the browser stores, where Back leads. The guard does not know its shape. */
export async function expectNowhere(page: Page, secret: string): Promise<void> {
  expect(await findKept(page)).not.toContain(secret)
}

/** All that the page has asked for is there, and shown. */
export async function settled({ page, pending }: Watched): Promise<void> {
  const loading = page.locator('[role="status"][aria-label="Loading"]')
  await expect.poll(async () => pending.size + (await loading.count()), { timeout: 20_000, interval: 20 }).toBe(0)
}

/** Nothing is beside the screen, whatever its width: of a telephone, a tablet, a laptop. */
export async function expectFits(page: Page, widths: readonly number[] = [360, 1024, 1280]): Promise<void> {
  const beside = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
  for (const width of widths) {
    await page.setViewportSize({ width, height: 900 })
    expect(await page.evaluate(beside), `${page.url()} at ${width} px`).toBe(0)
  }
}

/** Once the page has taken it on. */
export async function showIn(page: Page, colorScheme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme })
  const shown = () => page.locator('html').getAttribute('data-mantine-color-scheme')
  await expect.poll(shown, { timeout: 10_000, interval: 20 }).toBe(colorScheme)
}

/** @param within what has opened on a page that was looked at by itself */
export async function expectAccessible(page: Page, within?: string): Promise<void> {
  // Mantine's dialogs have a header of their own, which is no second one of the page.
  const rules = ['landmark-no-duplicate-banner', 'landmark-unique']
  const builder = new AxeBuilder({ page }).disableRules(rules)
  const { violations } = await (within === undefined ? builder : builder.include(within)).analyze()
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' ')}`)).toEqual(
    [],
  )
}

export const headingOf = (page: Page) => page.getByRole('heading', { level: 1 })

export const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).click()

/** In the menu of a key, on its page or in its row. */
export async function choose(page: Page, keyName: string, item: string | RegExp): Promise<void> {
  await press(page, `More with ${keyName}`)
  await page.getByRole('menuitem', { name: item }).click()
}

export async function signInWith(page: Page, email: string, password = goodPassword): Promise<void> {
  await page.getByLabel('E-mail address').fill(email)
  await page.getByLabel('Password').fill(password)
  await press(page, 'Sign in')
}

/** Over the page, where the session has ended or is not recent enough. */
export async function signInAgain(page: Page, password = goodPassword): Promise<void> {
  const again = page.getByRole('dialog').filter({ has: page.getByLabel('E-mail address') })
  await again.getByRole('textbox', { name: 'Password' }).fill(password)
  await again.getByRole('button', { name: 'Go on' }).click()
}

/** The value that is shown once, after which the dialog is closed as it asks. */
export async function takeSecret(page: Page): Promise<string> {
  const value = (await page.getByTestId('secret').textContent()) ?? ''
  await page.getByLabel('I have saved it').check()
  await page.getByRole('button', { name: 'Close', exact: true }).click()
  await page.getByTestId('secret').waitFor({ state: 'detached' })
  return value
}
