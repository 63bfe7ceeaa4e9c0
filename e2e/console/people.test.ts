import jsQR from 'jsqr'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  Authenticator,
  goodPassword,
  join,
  type Person,
  setUpOwner,
} from '../../packages/server/test/support/people.ts'
import { expectAccessible, type OpenConsole, openConsole, press, type Watched } from './console.ts'

/** As a camera sees the squares of the drawing, four dots wide each. */
function readQrCode(path: string, size: number): string | undefined {
  const scale = 4
  const width = size * scale
  const pixels = new Uint8ClampedArray(width * width * 4).fill(255)
  for (const [, x, y] of path.matchAll(/M(\d+) (\d+)h1v1h-1z/g))
    for (let dot = 0; dot < scale * scale; dot++) {
      const row = Number(y) * scale + Math.floor(dot / scale)
      const column = Number(x) * scale + (dot % scale)
      pixels.fill(0, 4 * (row * width + column), 4 * (row * width + column) + 3)
    }
  return jsQR.default(pixels, width, width)?.data
}

describe('people and accounts in the console', () => {
  let opened: OpenConsole
  let person: Person
  let owner: Watched
  beforeAll(async () => {
    opened = await openConsole()
    person = await setUpOwner(opened.keyturn)
    await opened.keyturn.createProject('default', { name: 'Storefront', slug: 'storefront' })
    owner = await opened.openAs(person)
  })
  afterAll(() => opened.close())
  const at = (path: string) => `${opened.keyturn.url}/console/default${path}`
  const memberNow = async (id: string) =>
    (await opened.keyturn.request('GET', `/v1/organizations/default/members/${id}`)).body

  it('invites to a role on a project alone, which the open invitation says', async () => {
    const { page } = owner
    await page.goto(at('/members'))
    await press(page, 'Invite')
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('E-mail address').fill('project@example.com')
    await dialog.getByRole('combobox', { name: 'Role in the organization' }).click()
    await page.getByRole('option', { name: 'None: on projects alone' }).click()
    expect(await dialog.getByRole('button', { name: 'Invite', exact: true }).isDisabled()).toBe(true)
    await dialog.getByRole('combobox', { name: 'Give a role on a project' }).click()
    await page.getByRole('option', { name: 'Storefront' }).click()
    await dialog.getByRole('combobox', { name: 'Role on Storefront' }).click()
    await page.getByRole('option', { name: 'Manager' }).click()
    await expectAccessible(page)
    await dialog.getByRole('button', { name: 'Invite', exact: true }).click()
    await page.getByRole('dialog', { name: 'The invitation of project@example.com' }).waitFor()
    await page.getByRole('button', { name: 'Close', exact: true }).click()
    await page.getByText('project@example.com, manager on Storefront; the link works no more').waitFor()
    expect(owner.failures).toEqual([])
  })

  it('gives a member a role on a single project, changes it, and takes it away', async () => {
    const { page } = owner
    const member = await join(opened.keyturn, 'default', { role: 'member' })
    await page.goto(at('/members'))
    const row = page.getByRole('row', { name: member.email })
    const change = async () => {
      await row.getByRole('button', { name: /^Change/ }).click()
      await page.getByRole('menuitem', { name: 'Give another role' }).click()
    }
    await change()
    await page.getByRole('combobox', { name: 'Give a role on a project' }).click()
    await page.getByRole('option', { name: 'Storefront' }).click()
    await page.getByRole('combobox', { name: 'Role on Storefront' }).click()
    await page.getByRole('option', { name: 'Administrator' }).click()
    await press(page, 'Give it')
    await row.getByText('administrator on Storefront').waitFor()
    expect((await memberNow(member.id)).projects).toMatchObject([{ role: 'admin' }])
    await change()
    await press(page, 'No role on Storefront')
    await press(page, 'Give it')
    await row.getByText('administrator on Storefront').waitFor({ state: 'detached' })
    expect(await memberNow(member.id)).toMatchObject({ role: 'member', projects: [] })
    expect(owner.failures).toEqual([])
  })

  it('takes the time zone in which mails come, as the browser has it or another', async () => {
    const { page } = owner
    const zoneNow = async () => (await person.request('GET', '/v1/me')).body.time_zone
    await page.goto(at('/account'))
    await press(page, 'Europe/Berlin, as here')
    await page.getByRole('region', { name: 'Time zone' }).getByRole('button', { name: 'Save' }).click()
    await expect.poll(zoneNow).toBe('Europe/Berlin')
    await page.getByRole('combobox', { name: 'Time zone' }).fill('toky')
    await page.getByRole('option', { name: 'Asia/Tokyo' }).click()
    await page.getByRole('region', { name: 'Time zone' }).getByRole('button', { name: 'Save' }).click()
    await expect.poll(zoneNow).toBe('Asia/Tokyo')
    expect(owner.failures).toEqual([])
  })

  it('shows a QR code that an authenticator reads: its code switches the second factor on', async () => {
    const { page } = owner
    await page.getByLabel('Your password').fill(goodPassword)
    await press(page, 'Switch it on')
    const drawing = page.getByRole('img', { name: /QR code/ })
    const path = (await drawing.locator('path').getAttribute('d')) ?? ''
    const size = Number((await drawing.getAttribute('viewBox'))?.split(' ').at(-1))
    const read = readQrCode(path, size)
    expect(read).toBe(await page.getByRole('link', { name: 'open it in the authenticator' }).getAttribute('href'))
    await expectAccessible(page)
    await page.getByLabel('The code that it shows now').fill(new Authenticator(read ?? '').nextCode())
    await page.getByRole('dialog').getByRole('button', { name: 'Switch it on' }).click()
    await page.getByRole('button', { name: 'Switch it off' }).waitFor()
    expect(owner.failures).toEqual([])
  })
})
