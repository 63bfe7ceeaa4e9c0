import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setUpLink } from '../../src/people/set-up.ts'
import { openBrowser } from '../support/browser.ts'
import { engines } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { Authenticator, goodPassword, join, newEmail, tokenOf } from '../support/people.ts'

const [engine] = engines
if (!engine) throw new Error('there is no engine to test on')

describe('the pages for people, in a browser', () => {
  let keyturn: Keyturn
  let browser: Browser
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    browser = await openBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await keyturn.stop()
  })

  /** A page, with all that went wrong on it. */
  async function open(options: BrowserContextOptions = {}): Promise<{ page: Page; failures: string[] }> {
    const page = await (await browser.newContext({ javaScriptEnabled: false, ...options })).newPage()
    const failures: string[] = []
    page.on('request', (request) => {
      if (!request.url().startsWith('data:') && new URL(request.url()).origin !== keyturn.url)
        failures.push(`elsewhere: ${request.url()}`)
    })
    page.on('console', (message) => {
      const text = message.text()
      if (['error', 'warning'].includes(message.type()) && !/status of (403|410|422)/.test(text)) failures.push(text)
    })
    return { page, failures }
  }
  const headingOf = (page: Page) => page.getByRole('heading', { level: 1 }).textContent()
  const press = (page: Page, name: string) => page.getByRole('button', { name }).click()
  const setUpPath = async () => {
    const link = setUpLink(keyturn.masterKey, keyturn.url, await keyturn.ground.now(keyturn.ground.reader))
    return `/set-up?token=${tokenOf(link)}`
  }
  const invite = async (email = newEmail()) => {
    const { body } = await keyturn.request('POST', '/v1/organizations/default/invitations', {
      body: { email, role: 'member' },
    })
    return `/invitation?token=${tokenOf(body.url)}`
  }
  const signInWith = async (page: Page, email: string, password = goodPassword) => {
    await page.getByLabel('E-mail address').fill(email)
    await page.getByLabel('Password').fill(password)
    await press(page, 'Sign in')
  }

  it('take somebody from the set-up link through signing out and in, a wrong password and an invitation, without JavaScript', async () => {
    const { page, failures } = await open()
    const email = newEmail('first')
    const link = await setUpPath()
    await page.goto(`${keyturn.url}${link}`)
    expect(await headingOf(page)).toBe('Welcome to Keyturn')
    await page.getByLabel('Your name').fill('Olga')
    await page.getByLabel('E-mail address').fill(email)
    await page.getByLabel('Password').fill('too short')
    await press(page, 'Begin')
    expect(await page.getByRole('alert').textContent()).toContain('at least 15')
    // What was typed is still there, but for the password.
    expect(await page.getByLabel('Your name').inputValue()).toBe('Olga')
    expect(await page.getByLabel('Password').inputValue()).toBe('')
    await page.getByLabel('Password').fill(goodPassword)
    await press(page, 'Begin')
    expect(await headingOf(page)).toBe('You are signed in')
    await press(page, 'Sign out')
    expect(await headingOf(page)).toBe('Sign in')
    await page.goto(`${keyturn.url}${link}`)
    expect(await headingOf(page)).toBe('The link works no more')

    const invitation = await invite(email.replace('first', 'second'))
    await page.goto(`${keyturn.url}${invitation}`)
    expect(await page.getByText('invites second').isVisible()).toBe(true)
    await page.goto(`${keyturn.url}/sign-in`)
    await signInWith(page, email, 'these are not the words')
    expect(await page.getByRole('alert').isVisible()).toBe(true)
    expect(await page.getByLabel('E-mail address').inputValue()).toBe(email)
    await signInWith(page, email)
    expect(await headingOf(page)).toBe('You are signed in')
    expect(failures).toEqual([])
    await page.context().close()
  })

  it('let people sign in over plain HTTP, under whatever name the installation is reached', async () => {
    const { email } = await join(keyturn, 'default', { role: 'member' })
    const { page } = await open()
    await page.goto(`http://keyturn.internal:${new URL(keyturn.url).port}/sign-in`)
    await signInWith(page, email)
    expect(await headingOf(page)).toBe('You are signed in')
    await press(page, 'Sign out')
    expect(await headingOf(page)).toBe('Sign in')
  })

  it('ask for the second factor, and lead back to the invitation that somebody with an account came for', async () => {
    const person = await join(keyturn, (await keyturn.createOrganization()).id, { role: 'member' })
    const begun = await person.request('POST', '/v1/me/two-factor', { body: { password: goodPassword } })
    const authenticator = new Authenticator(begun.body.totp_uri)
    await person.request('POST', '/v1/me/two-factor/confirm', { body: { code: authenticator.nextCode() } })
    const { page, failures } = await open()
    await page.goto(`${keyturn.url}${await invite(person.email)}`)
    await signInWith(page, person.email)
    expect(await headingOf(page)).toBe('Second factor')
    const code = authenticator.nextCode()
    await page.getByLabel('Code').fill(`${code.slice(0, 3)} ${code.slice(3)}`)
    await press(page, 'Go on')
    expect(await headingOf(page)).toBe('You are invited')
    await press(page, 'Accept')
    expect(await headingOf(page)).toBe('You are signed in')
    expect(failures).toEqual([])
    await page.context().close()
  })

  const paths: Record<string, () => Promise<string>> = {
    'the set-up link': setUpPath,
    'the sign-in': async () => '/sign-in',
    'an invitation': () => invite(),
    'a forgotten password': async () => '/forgot-password',
    'a new password': async () => '/reset-password?token=x',
    'a link that works no more': async () => '/portal?token=x',
  }
  it.each(Object.keys(paths))(
    'are accessible, light or dark as their reader likes it, and fit a telephone: %s',
    async (name) => {
      for (const colorScheme of ['light', 'dark'] as const) {
        const { page, failures } = await open({
          colorScheme,
          javaScriptEnabled: true,
          viewport: { width: 360, height: 740 },
        })
        await page.goto(`${keyturn.url}${await paths[name]?.()}`)
        const { violations } = await new AxeBuilder({ page }).analyze()
        expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([])
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360)
        expect(failures).toEqual([])
        await page.context().close()
      }
    },
  )
})
