import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { tendReminders } from '../../packages/server/src/expirations/tend-reminders.ts'
import { join, setUpOwner } from '../../packages/server/test/support/people.ts'
import {
  expectAccessible,
  headingOf,
  type OpenConsole,
  openConsole,
  press,
  settled,
  showIn,
  takeSecret,
  type Watched,
} from './console.ts'

const day = 86_400

/** `14 Dec 2026: 7 days before its end`, counted from the first. */
function apart(texts: readonly string[]): [number, string][] {
  const parts = texts.map((text) => text.split(': '))
  const days = ([date = '']: string[]) => Math.round(Date.parse(`${date} UTC`) / 86_400_000)
  return parts.map((part) => [days(part) - days(parts[0] ?? []), part[1] ?? ''])
}

describe('reminders and what needs somebody, in the console', () => {
  let opened: OpenConsole
  let owner: Watched
  const keys = { ending: '', other: '' }
  beforeAll(async () => {
    opened = await openConsole()
    const { keyturn } = opened
    const person = await setUpOwner(keyturn)
    owner = await opened.openAs(person)
    const ending = await keyturn.createKey('default', { name: 'Warehouse', owner: person.email, expires_in: 10 * day })
    await keyturn.verify(ending.secret.value)
    keys.ending = ending.key.id
    const left = await join(keyturn, 'default', { role: 'manager' })
    await keyturn.createKey('default', { name: 'Of one who left', owner: left.email })
    await keyturn.request('POST', `/v1/organizations/default/members/${left.id}/remove`, { body: { force: true } })
    const ended = await keyturn.createKey('default', { name: 'Rotated away', owner: person.email })
    await keyturn.request('POST', `/v1/keys/${ended.key.id}/rotate`, { body: { overlap: 0 } })
    await keyturn.verify(ended.secret.value)
    await keyturn.createKey('default', { name: 'test', owner: person.email })
    const tracked = await keyturn.createKey('default', { name: 'Reports', owner: person.email, expires_in: 30 * day })
    keys.other = tracked.key.id
    await keyturn.verify(tracked.secret.value)
    keyturn.clock.advance((7 * day + 60) * 1000)
    await tend()
    // What was found out goes with the digest of the morning.
    keyturn.clock.advance(23 * 3_600_000)
    await keyturn.verify(ending.secret.value)
    await person.signIn()
    // Uses are written some seconds after the calls.
    await vi.waitFor(
      async () => {
        const { body } = await keyturn.request('GET', `/v1/keys/${keys.ending}`)
        expect(Date.parse(body.last_used_at)).toBeGreaterThan(keyturn.clock.now() - 3_600_000)
      },
      { timeout: 20_000, interval: 200 },
    )
    await tend()
    owner = await opened.openAs(person)
  })
  afterAll(() => opened.close())
  const at = (path: string) => `${opened.keyturn.url}/console/default${path}`
  const tend = () =>
    tendReminders(opened.keyturn.ground, { masterKey: opened.keyturn.masterKey, publicUrl: opened.keyturn.url })

  it('the overview lists each finding, worst first, with what to do in words of these pages and no call of the API', async () => {
    const { page } = owner
    await page.goto(at('?all=yes'))
    const list = page.getByRole('region', { name: 'Needs you' })
    await list.getByText('Ends, and is in use').first().waitFor()
    const text = (await list.textContent()) ?? ''
    const order = ['Ended, but still called', 'Ends, and is in use', 'The owner has left', 'Name says little']
    expect(order.map((word) => text.indexOf(word))).toEqual(
      order.map((word) => text.indexOf(word)).toSorted((a, b) => a - b),
    )
    for (const word of order) expect(text).toContain(word)
    expect(text).not.toMatch(/POST|PATCH|GET \/v1|\/v1\//)
    await list.getByRole('link', { name: 'Name an owner: Of one who left' }).click()
    await page.getByRole('dialog', { name: 'Edit Of one who left' }).waitFor()
    expect(owner.failures).toEqual([])
  })

  it('says that nobody is told where there is no mail server, and the outbox teaches how to set one up', async () => {
    const { page } = owner
    // The server sends by itself, every few seconds.
    await expect
      .poll(
        async () =>
          (await opened.keyturn.request('GET', '/v1/organizations/default/outbox?limit=1')).body.data[0]?.state,
        {
          timeout: 20_000,
        },
      )
      .toBe('not_delivered')
    await page.goto(at('?all=yes'))
    await page.getByRole('link', { name: 'Look: All reminders' }).click()
    await headingOf(page).getByText('Outbox').waitFor()
    await page.getByText('SMTP_URL=smtp://').waitFor()
    await page.getByText('Not delivered').first().waitFor()
    await expectAccessible(page)
    await page.goto(at('/settings/reminders'))
    await page.getByText('No mail server is set up, so nobody is mailed').waitFor()
    await expectAccessible(page)
    expect(owner.failures).toEqual([])
  })

  it('shows on the key who was told, why nobody was, and what is to come; acknowledged, the overview says by whom', async () => {
    const { page } = owner
    await page.goto(at(`/keys/${keys.ending}`))
    const section = page.getByRole('region', { name: 'Reminders' })
    await section.getByText('Not delivered').first().waitFor()
    await section.getByText('No mail server is set up.').first().waitFor()
    await section.getByText('Next').waitFor()
    await press(page, 'Read the mail beforehand')
    const mail = await section.getByTestId('preview').textContent()
    expect(mail).toContain('Warehouse')
    expect(mail).toContain('/console/default/settings/reminders')
    await section.getByRole('button', { name: 'Acknowledge Warehouse' }).click()
    await section.getByText(/Olga Owner has acknowledged it/).waitFor()
    expect(await section.getByRole('button', { name: /Acknowledge/ }).count()).toBe(0)
    await page.goto(at('?all=yes'))
    await page
      .getByRole('row', { name: /Warehouse/ })
      .getByText(/Olga Owner has acknowledged it/)
      .waitFor()
    expect(owner.failures).toEqual([])
  })

  it('the drawer tells beforehand the very reminders that the server then plans, short lives and rotations too', async () => {
    const { page } = owner
    const policy = { rotate_every: 60 * day }
    await opened.keyturn.request('PATCH', '/v1/organizations/default', { body: { policy } })
    await page.goto(at('/keys?new=key'))
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel(/^Name/).fill('Told beforehand')
    for (const [choice, reminders] of [
      ['1 year', 12],
      ['30 days', 9],
    ] as const) {
      await dialog.getByText(choice, { exact: true }).click()
      await expect.poll(() => dialog.getByTestId('coming').getByRole('listitem').count()).toBe(reminders)
    }
    // The server's database is days ahead of the clock that the page goes by: what is the same is the days between them.
    const planned = apart(await dialog.getByTestId('coming').getByRole('listitem').allTextContents())
    await press(page, 'Create the key')
    await page.getByTestId('secret').waitFor()
    expect(apart(await dialog.getByTestId('coming').getByRole('listitem').allTextContents())).toEqual(planned)
    await takeSecret(page)
    expect(owner.failures).toEqual([])
  })

  it('is accessible and fits 360 pixels with all of it shown', async () => {
    const { page, failures } = owner
    for (const path of ['?all=yes', `/keys/${keys.ending}`]) {
      await page.emulateMedia({ colorScheme: 'light' })
      await page.setViewportSize({ width: 360, height: 800 })
      await page.goto(at(path))
      await headingOf(page).waitFor()
      await settled(owner)
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360)
      await expectAccessible(page)
      await showIn(page, 'dark')
      await expectAccessible(page)
    }
    expect(failures).toEqual([])
  })

  it('tells a member what is to come of a key, and in the place of what was told whom to ask', async () => {
    const member = await opened.openAs(await join(opened.keyturn, 'default', { role: 'member' }))
    await member.page.goto(at(`/keys/${keys.ending}`))
    const section = member.page.getByRole('region', { name: 'Reminders' })
    await section.getByText('Next').waitFor()
    await section.getByText(/Seeing who was told wants the role auditor or manager\. Ask Olga Owner/).waitFor()
    await settled(member)
    expect(member.failures).toEqual([])
    await member.page.context().close()
  })
})
