import { connect as connectTo, createServer, type Server, type Socket } from 'node:net'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { join, type Person, setUpOwner } from '../../packages/server/test/support/people.ts'
import {
  choose,
  expectFits,
  expectRefused,
  headingOf,
  type OpenConsole,
  openConsole,
  press,
  settled,
  signInAgain,
  type Watched,
} from './console.ts'

const day = 86_400

describe('the console, whatever happens around it,', () => {
  let opened: OpenConsole
  let owner: Watched
  let person: Person
  beforeAll(async () => {
    opened = await openConsole()
    person = await setUpOwner(opened.keyturn)
    owner = await opened.openAs(person)
  })
  afterAll(() => opened.close())
  const at = (path: string) => `${opened.keyturn.url}/console/default${path}`

  it('says that somebody else was quicker, and keeps what was typed', async () => {
    const { page } = owner
    const { key } = await opened.keyturn.createKey('default', { name: 'Wanted twice' })
    await page.goto(at(`/keys/${key.id}`))
    await page.getByRole('button', { name: 'Edit', exact: true }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel(/^Name/).fill('Wanted by me')
    await opened.keyturn.request('POST', `/v1/keys/${key.id}/revoke`, { body: { reason: 'I was quicker' } })
    await press(page, 'Save')
    await dialog
      .getByRole('alert')
      .getByText(/revoked/)
      .first()
      .waitFor()
    expect(await dialog.getByLabel(/^Name/).inputValue()).toBe('Wanted by me')
    expectRefused(owner, /^409 .*\/v1\/keys\/key_\w+$/)
    await page.keyboard.press('Escape')
  })

  it('changes what was changed in the dialog, and nothing that somebody else has changed meanwhile', async () => {
    const { page } = owner
    const { key } = await opened.keyturn.createKey('default', { name: 'Edited twice', owner: person.email })
    await page.goto(at(`/keys/${key.id}`))
    await page.getByRole('button', { name: 'Edit', exact: true }).click()
    await opened.keyturn.request('PATCH', `/v1/keys/${key.id}`, {
      body: { owner: 'ada@example.com', purpose: 'Orders' },
    })
    await page.getByRole('dialog').getByLabel(/^Name/).fill('Edited by me')
    await press(page, 'Save')
    await headingOf(page).getByText('Edited by me').waitFor()
    const { body } = await opened.keyturn.request('GET', `/v1/keys/${key.id}`)
    expect(body).toMatchObject({ name: 'Edited by me', owner: 'ada@example.com', purpose: 'Orders' })
  })

  it('goes on where one was when the session has ended meanwhile', async () => {
    const theirs = await join(opened.keyturn, 'default', { role: 'manager' })
    const watched = await opened.openAs(theirs)
    const { page } = watched
    await page.goto(at('/keys?new=key'))
    await page.getByRole('dialog').getByLabel(/^Name/).fill('Half typed')
    await settled(watched)
    // It ends on the way of the form: what the page asks by itself would find out earlier, and ask before the button is pressed.
    await page.route('**/v1/projects/*/keys', async (route) => {
      if (route.request().method() === 'POST') await theirs.request('POST', '/v1/sign-out')
      await route.continue()
    })
    await press(page, 'Create the key')
    await signInAgain(page)
    await page.getByTestId('secret').waitFor()
    expect(await page.getByRole('dialog', { name: 'Half typed is ready' }).count()).toBe(1)
    expectRefused(watched, /^401 .*\/v1\//)
    await page.context().close()
  })

  it('sends a form once however often it is pressed while the answer is slow, and says that it is busy', async () => {
    const { page } = owner
    await page.goto(at('/keys?new=key'))
    await page.getByRole('dialog').getByLabel(/^Name/).fill('Pressed twice')
    await settled(owner)
    let answer = () => {}
    const slow = new Promise<void>((resolve) => {
      answer = resolve
    })
    let sent = 0
    await page.route('**/v1/projects/*/keys', async (route) => {
      if (route.request().method() === 'POST') sent++
      await slow
      await route.continue()
    })
    const create = page.getByRole('button', { name: 'Create the key' })
    await create.click()
    await expect.poll(() => create.isDisabled(), { timeout: 10_000 }).toBe(true)
    await create.click({ force: true })
    await page.getByRole('dialog').getByLabel(/^Name/).press('Enter')
    answer()
    await page.getByTestId('secret').waitFor()
    await page.unroute('**/v1/projects/*/keys')
    expect(sent).toBe(1)
    const { body } = await opened.keyturn.request('GET', '/v1/projects/default/keys?q=pressed')
    expect(body.data.length).toBe(1)
  })

  it('says that the server is away, keeps what is shown, and is as before once it is back', async () => {
    const way = await openWay(new URL(opened.keyturn.url).port)
    const watched = await opened.openAs(person)
    const { page } = watched
    // The same server under another port, to which the cookies of this name belong too.
    const { key } = await opened.keyturn.createKey('default', { name: 'Seen before' })
    await page.goto(`http://127.0.0.1:${way.port}/console/default/keys/${key.id}`)
    await headingOf(page).getByText('Seen before').waitFor()
    // The other pages come after the first.
    const isFetched = 'performance.getEntriesByType("resource").some(({ name }) => name.includes("account-page"))'
    await expect.poll(() => page.evaluate(isFetched), { timeout: 20_000 }).toBe(true)
    await settled(watched)
    watched.failures.splice(0)
    await way.cut()
    await page.getByRole('link', { name: 'Keys', exact: true }).click()
    await page.getByText('Keyturn cannot be reached').first().waitFor()
    await way.mend()
    await page.getByRole('link', { name: 'Seen before' }).waitFor()
    await page.getByText('Keyturn cannot be reached').waitFor({ state: 'detached' })
    // What failed was the way, and all of it led there.
    expect(watched.failures.splice(0).filter((one) => !/elsewhere: |ERR_CONNECTION|ERR_EMPTY/.test(one))).toEqual([])
    await page.context().close()
    await way.cut()
  })

  it('has its filters in the address: Back, Forward and reading anew show the same list', async () => {
    const { page } = owner
    for (const name of ['Alpha', 'Beta']) await opened.keyturn.createKey('default', { name: `${name} filtered` })
    await page.goto(at('/keys?q=alpha'))
    await page.getByRole('link', { name: 'Alpha filtered' }).click()
    await headingOf(page).getByText('Alpha filtered').waitFor()
    await page.goBack()
    await page.getByRole('link', { name: 'Alpha filtered' }).waitFor()
    expect(await page.getByRole('searchbox').inputValue()).toBe('alpha')
    expect(await page.getByRole('link', { name: 'Beta filtered' }).count()).toBe(0)
    await page.goForward()
    await headingOf(page).getByText('Alpha filtered').waitFor()
    await page.goBack()
    await page.reload()
    await page.getByRole('link', { name: 'Alpha filtered' }).waitFor()
    expect(await page.getByRole('searchbox').inputValue()).toBe('alpha')
    expect(await page.getByRole('link', { name: 'Beta filtered' }).count()).toBe(0)
  })

  it('shows of another organization what it shows of none, be it a key or a page', async () => {
    const { page } = owner
    const other = await opened.keyturn.createOrganization()
    const project = await opened.keyturn.createProject(other.id)
    const { key } = await opened.keyturn.createKey(project.id, { name: 'Foreign' })
    await page.goto(at(`/keys/${key.id}`))
    await headingOf(page).getByText('There is no such key').waitFor()
    const foreign = await page.locator('#page').innerText()
    await page.goto(at('/keys/key_01arz3ndektsv4rrffq69g5fav'))
    await headingOf(page).getByText('There is no such key').waitFor()
    expect(await page.locator('#page').innerText()).toBe(foreign)
    expectRefused(owner, /^404 .*\/v1\/keys\/key_\w+$/)
    await page.goto(`${opened.keyturn.url}/console/${other.slug}/keys`)
    await headingOf(page).getByText('There is no such page').waitFor()
  })

  it('speaks of times as the reader does, and by the clock of the server', async () => {
    const { page } = await opened.openAs(person, { locale: 'de-DE', timezoneId: 'America/Los_Angeles' })
    // An hour behind: by this clock the key below would be good for another three hours.
    await page.addInitScript('{ const now = Date.now; Date.now = () => now() - 3600000 }')
    const { key } = await opened.keyturn.createKey('default', { name: 'Uhr', expires_in: 2 * 3600 })
    await page.goto(at(`/keys/${key.id}`))
    await page.getByText('in 2 Stunden').first().waitFor()
    const parts = new Intl.DateTimeFormat('de-DE', {
      timeZone: 'America/Los_Angeles',
      hour: '2-digit',
      minute: '2-digit',
    })
    const end = await page
      .getByRole('region', { name: 'About it' })
      .getByText(/GMT-[78]/)
      .first()
      .textContent()
    expect(end).toContain(parts.format(new Date(key.expires_at ?? 0)))
    expect(await page.getByText('in 2 Stunden').first().getAttribute('title')).toMatch(/GMT-[78]/)
    await page.context().close()
  })

  it('runs nothing that a name says, and has room for the longest and for those that are read from the right', async () => {
    const { page } = owner
    const markup = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
    const names = [
      `${markup}${'W'.repeat(200 - markup.length)}`,
      `مفتاح الإنتاج ${'ش'.repeat(180)}`,
      `Zalgo Z̷̢̛͍a̸̡l̵g̶o ${'🗝️'.repeat(40)}`,
      "'; DROP TABLE keys; -- ${7*7} {{7*7}} %00 ../../etc/passwd",
    ]
    const ids: string[] = []
    for (const name of names) {
      const { key, secret } = await opened.keyturn.createKey('default', {
        name,
        purpose: markup,
        owner: `${'o'.repeat(64)}@${'d'.repeat(60)}.example`,
        expires_in: 5 * day,
      })
      await opened.keyturn.verify(secret.value)
      ids.push(key.id)
    }
    await opened.keyturn.request('PATCH', '/v1/organizations/default', {
      body: { name: `${markup}${'N'.repeat(100)}`.slice(0, 100) },
    })
    const [first = ''] = ids
    for (const where of [
      '',
      '/keys',
      `/keys/${first}`,
      `/keys/${first}?do=edit`,
      '/expirations',
      '/audit',
      '/settings',
      '/members',
    ]) {
      await page.goto(at(where))
      await headingOf(page).waitFor()
      await settled(owner)
      await expectFits(page)
    }
    await page.goto(at('/keys?sort=-created_at'))
    for (const name of names) await page.getByRole('link', { name: name.normalize('NFC'), exact: true }).waitFor()
    await choose(page, names[0] ?? '', /^Revoke/)
    await page.getByRole('dialog').waitFor()
    await expectFits(page)
    expect(await page.evaluate('window.hacked')).toBe(undefined)
    await opened.keyturn.request('PATCH', '/v1/organizations/default', { body: { name: 'Default' } })
  })

  it('offers every one of 500 projects, and finds one by its name', async () => {
    const { id } = await opened.keyturn.createOrganization({ slug: 'many-projects' })
    await opened.keyturn.createProject(id, { name: 'Pattern' })
    await copyProjects(500)
    const admin = await join(opened.keyturn, id, { role: 'admin' })
    const watched = await opened.openAs(admin)
    const { page } = watched
    await page.goto(`${opened.keyturn.url}/console/many-projects/keys`)
    const choice = page.getByRole('combobox', { name: 'Project' })
    await choice.fill('Branch 499')
    await page.getByRole('option', { name: 'Branch 499' }).click()
    await headingOf(page).getByText('Keys of Branch 499').waitFor()
    await page.goto(`${opened.keyturn.url}/console/many-projects/settings`)
    await page.getByRole('link', { name: 'Branch 499', exact: true }).waitFor()
    expect(await page.getByRole('link', { name: /^Branch \d+$/ }).count()).toBe(500)
    await settled(watched)
    await page.context().close()
  })

  /** In one statement: what is tested is the page. */
  async function copyProjects(count: number): Promise<void> {
    await sql`
      insert into projects select (jsonb_populate_record(projects, jsonb_build_object('id', 'prj_' || to_char(i, 'FM00000000000000000000000000'),
        'name', 'Branch ' || i, 'slug', 'branch-' || i))).*
      from projects, generate_series(1, ${count}::int) as i where name = 'Pattern'`.execute(
      opened.keyturn.database.reader,
    )
  }
})

interface Way {
  readonly port: number
  cut(): Promise<void>
  mend(): Promise<void>
}

/** A way to the server that can be cut, as where it is stopped: nobody listens there. */
async function openWay(target: string): Promise<Way> {
  const sockets = new Set<Socket>()
  const listen = (port: number) =>
    new Promise<Server>((resolve) => {
      const server = createServer((socket) => {
        const onward = connectTo(Number(target), '127.0.0.1')
        for (const one of [socket, onward]) {
          sockets.add(one)
          one.on('error', () => {}).on('close', () => (socket.destroy(), onward.destroy(), sockets.delete(one)))
        }
        socket.pipe(onward).pipe(socket)
      }).listen(port, '127.0.0.1', () => resolve(server))
    })
  let server = await listen(0)
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    port,
    cut: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
    mend: async () => {
      server = await listen(port)
    },
  }
}
