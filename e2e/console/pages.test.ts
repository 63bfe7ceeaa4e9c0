import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { sql } from 'kysely'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { join, Person, setUpOwner } from '../../packages/server/test/support/people.ts'
import {
  choose,
  expectAccessible,
  expectFits,
  headingOf,
  type OpenConsole,
  openConsole,
  press,
  settled,
  showIn,
  type Watched,
} from './console.ts'

const day = 86_400
const layers = '[role="dialog"], [role="menu"], [role="listbox"]'
const layersOn = (page: Page) => page.locator(layers).filter({ visible: true })

/** What has opened above the page, if that is how it opens: the page below was looked at by itself. */
async function layerOf(page: Page): Promise<string | undefined> {
  return (await layersOn(page).count()) > 0 ? layers : undefined
}

const builds = path.resolve(import.meta.dirname, '..', '..', 'packages', 'console', 'dist')

describe('every page of the console', () => {
  let opened: OpenConsole
  let owner: Person
  let watched: Watched
  const ids = { rotating: '', used: '', member: '' }
  beforeAll(async () => {
    opened = await openConsole()
    const { keyturn } = opened
    owner = await setUpOwner(keyturn)
    const { key, secret } = await keyturn.createKey('default', { name: 'Soon over, in use', expires_in: 5 * day })
    await keyturn.verify(secret.value)
    const { key: rotating, secret: old } = await keyturn.createKey('default', { name: 'Rotating', purpose: 'Orders' })
    await keyturn.verify(old.value)
    await keyturn.request('POST', `/v1/keys/${rotating.id}/rotate`, { body: {} })
    await keyturn.request('POST', `/v1/keys/${key.id}/claim-links`, { body: {} })
    await keyturn.createKey('default', { name: 'test', owner: null })
    const { key: revoked } = await keyturn.createKey('default', { name: 'Revoked' })
    await keyturn.request('POST', `/v1/keys/${revoked.id}/revoke`, { body: { reason: 'no longer used' } })
    await keyturn.createManagementKey('default')
    ids.rotating = rotating.id
    ids.used = key.id
    watched = await opened.openAs(owner)
    ids.member = (await join(keyturn, 'default', { role: 'manager' })).id
  })
  afterAll(() => opened.close())

  const at = (path: string) => `${opened.keyturn.url}/console/default${path}`
  const more = (name: string, item: RegExp) => async (page: Page) => {
    await choose(page, name, item)
    await page.getByRole('dialog').waitFor()
  }
  const pressed = (name: string | RegExp) => async (page: Page) => {
    await press(page, name)
    await layersOn(page).first().waitFor()
  }

  /** Every page, and everything that opens on it. */
  const pages: Record<string, { path: () => string; open?: (page: Page) => Promise<unknown> }> = {
    overview: { path: () => '' },
    'overview, extending': { path: () => '', open: pressed('Extend Soon over, in use') },
    keys: { path: () => '/keys?status=active,revoked' },
    'keys, none matches': { path: () => '/keys?q=nonesuch' },
    'keys, some chosen': { path: () => '/keys', open: (page) => page.getByLabel('Select Rotating').check() },
    'keys, a menu': { path: () => '/keys', open: pressed('More with Rotating') },
    'keys, a list of choices': {
      path: () => '/keys',
      open: async (page) => {
        await page.getByRole('combobox', { name: 'Ends' }).click()
        await page.getByRole('listbox').waitFor()
      },
    },
    'new key': {
      path: () => '/keys?new=key',
      open: async (page) => {
        await page.getByRole('dialog').getByLabel(/^Name/).fill('test')
        await page.getByText('That says little').waitFor()
        await press(page, 'Purpose, scopes, addresses')
      },
    },
    key: { path: () => `/keys/${ids.rotating}` },
    'key, editing': { path: () => `/keys/${ids.rotating}?do=edit` },
    'key, rotating': { path: () => `/keys/${ids.used}`, open: pressed('Rotate') },
    'key, it leaked': { path: () => `/keys/${ids.used}`, open: pressed('New secret now, end every old one') },
    'key, revoking': { path: () => `/keys/${ids.used}`, open: more('Soon over, in use', /^Revoke/) },
    'key, deleting': { path: () => `/keys/${ids.used}`, open: more('Soon over, in use', /^Delete/) },
    expirations: { path: () => '/expirations' },
    'expirations, tracking': { path: () => '/expirations', open: pressed('Track one') },
    check: {
      path: () => '/check',
      open: async (page) => {
        await page.getByRole('textbox', { name: 'Value' }).fill('not a key')
        await page.getByRole('button', { name: 'Check', exact: true }).click()
        await page.getByTestId('outcome').waitFor()
      },
    },
    'audit log': { path: () => '/audit' },
    members: { path: () => '/members' },
    leaving: { path: () => `/members/${ids.member}/leaving` },
    settings: { path: () => '/settings' },
    'settings, API access': { path: () => '/settings', open: pressed('Switch it off…') },
    'settings, a management key': { path: () => '/settings', open: pressed('New management key') },
    project: { path: () => '/settings/projects/default' },
    account: { path: () => '/account' },
    'account, the menu': { path: () => '/account', open: pressed(/account$/) },
    'no such page': { path: () => '/nowhere' },
  }

  it.each(Object.keys(pages))(
    'asks for nothing that fails, is accessible in light and dark, and fits every screen: %s',
    async (name) => {
      const { page } = watched
      const { path = () => '', open } = pages[name] ?? {}
      await page.emulateMedia({ colorScheme: 'light' })
      await page.setViewportSize({ width: 360, height: 800 })
      await page.goto(at(path()))
      await headingOf(page).waitFor()
      await settled(watched)
      await open?.(page)
      await settled(watched)
      expect(await page.title()).toMatch(/ · Keyturn$/)
      await expectAccessible(page, open && (await layerOf(page)))
      await showIn(page, 'dark')
      await expectFits(page)
      await expectAccessible(page, open && (await layerOf(page)))
    },
  )

  it('leads whoever is not signed in to the sign-in and back, without a request that fails', async () => {
    const { page } = await opened.open()
    await page.goto(`${opened.keyturn.url}/console/default/settings/api-keys`)
    expect(await headingOf(page).textContent()).toBe('Sign in')
    await page.getByLabel('E-mail address').fill(owner.email)
    await page.getByLabel('Password').fill('four words are enough')
    await press(page, 'Sign in')
    // Settings → API keys is the list of keys.
    await page.waitForURL(/\/console\/default\/keys$/)
    await headingOf(page).getByText('Keys').waitFor()
    await page.context().close()
  })

  it('runs no script but its own files, which are kept for ever while the page itself is not', async () => {
    const page = await owner.request('GET', '/console/default')
    const policy = page.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'; script-src 'self';")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toMatch(/https?:|\*|unsafe/)
    expect(page.headers.get('cache-control')).toBe('no-store')
    expect(page.text).not.toMatch(/<script(?![^>]* src=)|<style|__STYLE_NONCE__/)
    // Another nonce for each answer.
    const nonce = /'nonce-(\w{22})'/.exec(policy)?.[1]
    expect(page.text).toContain(`content="${nonce}"`)
    expect((await owner.request('GET', '/console/default')).text).not.toContain(nonce)
    const [, script] = /src="([^"]+\.js)"/.exec(page.text) ?? []
    const asset = await owner.request('GET', script ?? '', { headers: { 'accept-encoding': 'gzip' } })
    expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(asset.headers.get('content-encoding')).toBe('gzip')
    expect((await owner.request('GET', '/console/assets/none.js')).status).toBe(404)
    expect((await owner.request('GET', '/console/assets/..%2Findex.html')).status).toBe(404)
  })

  it('weighs less than 500 kB of compressed script with the page itself; the sign-in has no script at all', async () => {
    expect((await new Person(opened.keyturn).request('GET', '/sign-in')).text).not.toContain('<script')
    const directory = path.join(builds, readFileSync(path.join(builds, 'current'), 'utf8').trim())
    const manifest: Record<string, { file: string; imports?: string[]; isEntry?: boolean }> = JSON.parse(
      readFileSync(path.join(directory, 'manifest.json'), 'utf8'),
    )
    const filesOf = (name: string): string[] => {
      const chunk = manifest[name]
      return chunk ? [chunk.file, ...(chunk.imports ?? []).flatMap(filesOf)] : []
    }
    const [entry = ''] = Object.keys(manifest).filter((name) => manifest[name]?.isEntry)
    const routes = Object.keys(manifest).filter((name) => name.endsWith('-page.tsx'))
    expect(routes.length).toBeGreaterThanOrEqual(11)
    for (const route of routes) {
      const files = new Set([...filesOf(entry), ...filesOf(route)])
      const bytes = [...files].reduce((sum, file) => sum + statSync(path.join(directory, `${file}.gz`)).size, 0)
      expect(bytes, route).toBeGreaterThan(50_000)
      // Two thirds of what is allowed: React built for developing, or all pages in one, would show.
      expect(bytes, route).toBeLessThan(330_000)
    }
  })

  it('shows a list of 10,000 keys within 2 seconds, filtered and searched too', async () => {
    const { keyturn } = opened
    await keyturn.createOrganization({ slug: 'large' })
    await keyturn.createProject('large', { slug: 'many' })
    await keyturn.request('PATCH', '/v1/organizations/large', { body: { policy: { max_active_keys: 20_000 } } })
    await keyturn.createKey('many', { name: 'Pattern' })
    expect(await copyKeys(10_000)).toBe(10_000)
    const admin = await join(keyturn, 'large', { role: 'admin' })
    const { page } = await opened.openAs(admin)
    const rows = page.locator('tbody tr')
    /** The quickest of three: what is measured is the page, not what else the machine does. */
    const quickest = async (before: () => Promise<unknown>, work: () => Promise<unknown>) => {
      const took: number[] = []
      for (let times = 0; times < 3 && !took.some((one) => one < 2_000); times++) {
        await before()
        const startedAt = performance.now()
        await work()
        took.push(performance.now() - startedAt)
      }
      return Math.min(...took)
    }
    const opening = await quickest(
      async () => {
        await page.goto(`${keyturn.url}/console/large/check`)
        await headingOf(page).waitFor()
      },
      async () => {
        await page.getByRole('link', { name: 'Keys', exact: true }).click()
        await rows.nth(49).waitFor()
      },
    )
    expect(opening).toBeLessThan(2_000)
    const search = page.getByRole('searchbox', { name: 'Search' })
    const searching = await quickest(
      async () => {
        await search.fill('')
        await rows.nth(49).waitFor()
      },
      async () => {
        await search.fill('copy 7777')
        await page.getByRole('link', { name: 'Copy 7777', exact: true }).waitFor()
        await rows.nth(1).waitFor({ state: 'detached' })
      },
    )
    expect(searching).toBeLessThan(2_000)
    await page.context().close()
  })

  /** Rows as a create would make them, but ten thousand in one statement: what is tested is the page. */
  async function copyKeys(count: number): Promise<number> {
    const { reader } = opened.keyturn.database
    const id = (letter: string) => sql`${letter} || to_char(i, 'FM00000000000000000000000000')`
    const copied = await sql`
      insert into keys select (jsonb_populate_record(keys, jsonb_build_object('id', ${id('key_')}, 'name', 'Copy ' || i,
        'name_key', 'copy ' || i, 'search', array_to_tsvector(array[right(organization_id, 16) || '/copy', right(organization_id, 16) || '/' || i])::text))).*
      from keys, generate_series(1, ${count}::int) as i where name = 'Pattern'`.execute(reader)
    await sql`
      insert into secrets select (jsonb_populate_record(secrets, jsonb_build_object('id', ${id('sec_')},
        'key_id', ${id('key_')}, 'digest', '\\\\x' || encode(sha256(('copy' || i)::bytea), 'hex')))).*
      from secrets join keys on keys.id = secrets.key_id, generate_series(1, ${count}::int) as i where keys.name = 'Pattern'`.execute(
      reader,
    )
    return Number(copied.numAffectedRows)
  }
})
