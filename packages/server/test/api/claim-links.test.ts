import type { ClaimLinkCreated, Key } from '@keyturn/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anEngine } from '../support/engines.ts'
import { type Answer, type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { faultOf } from '../support/problems.ts'
import { expectNothingChanged } from '../support/samples.ts'

const day = 86_400_000
const publicUrl = 'https://keys.example.com/keyturn'

describe.each(anEngine('PostgreSQL'))('claim links, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine, { KEYTURN_PUBLIC_URL: publicUrl, KEYTURN_TRUSTED_PROXIES: '127.0.0.1' })
  })
  afterAll(() => keyturn.stop())

  const act = (key: Pick<Key, 'id'>, action: string, body: object = {}) =>
    keyturn.request('POST', `/v1/keys/${key.id}/${action}`, { body })
  const create = (key: Pick<Key, 'id'>, body?: object) =>
    keyturn.request('POST', `/v1/keys/${key.id}/claim-links`, { body })
  const list = async (key: Pick<Key, 'id'>) =>
    (await keyturn.request('GET', `/v1/keys/${key.id}/claim-links`)).body.data
  const withdraw = (key: Pick<Key, 'id'>, id: string, options: { key?: string } = {}) =>
    keyturn.request('DELETE', `/v1/keys/${key.id}/claim-links/${id}`, options)
  const tokenOf = (link: ClaimLinkCreated) => String(link.url).slice(`${publicUrl}/claim/`.length)
  const read = async (key: Pick<Key, 'id'>): Promise<Key> => (await keyturn.request('GET', `/v1/keys/${key.id}`)).body

  async function make(fields: object = {}) {
    const { key, secret } = await keyturn.createKey('default', fields)
    const { status, body: link } = await create(key)
    expect(status).toBe(201)
    return { key, value: secret.value, link: link as ClaimLinkCreated }
  }

  const page = (link: ClaimLinkCreated, method = 'GET') =>
    keyturn.request(method, `/claim/${tokenOf(link)}`, { key: null })
  const press = (link: ClaimLinkCreated, raw = 'confirm=yes', headers: Record<string, string> = {}) =>
    keyturn.request('POST', `/claim/${tokenOf(link)}`, {
      key: null,
      raw,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    })
  const valueIn = ({ text }: Answer) => /id="secret">(kt_live_\w+)</.exec(text)?.[1] ?? null

  const eventsOf = async (key: Pick<Key, 'id'>) =>
    (await keyturn.request('GET', `/v1/organizations/default/audit-events?key=${key.id}`)).body.data

  describe('made', () => {
    it('are good for a week unless something else is said, and name their URL this once', async () => {
      const { key, link } = await make()
      expect(link).toMatchObject({
        id: expect.stringMatching(/^clm_[0-9a-z]{26}$/),
        key_id: key.id,
        status: 'open',
        created_by: { type: 'root_key' },
        claimed_at: null,
        withdrawn_at: null,
        secret_id: null,
        url: expect.stringMatching(/^https:\/\/keys\.example\.com\/keyturn\/claim\/kt_claim_[0-9A-Za-z]{38}$/),
      })
      expect(Date.parse(link.expires_at) - Date.parse(link.created_at)).toBe(7 * day)
      const short = await create(key, { expires_in: 60 })
      expect(Date.parse(short.body.expires_at) - Date.parse(short.body.created_at)).toBe(60_000)
      const { url: _, ...listed } = short.body
      const { url: __, ...first } = link
      expect(await list(key)).toEqual([listed, first])
    })

    it('change nothing about the key but who did something to it last', async () => {
      const { key, secret } = await keyturn.createKey('default')
      await create(key)
      const { last_action, ...rest } = await read(key)
      const { last_action: _, ...before } = key
      expect(rest).toEqual({ ...before, secrets: [{ ...secret, value: null }] })
      expect(last_action).toMatchObject({ action: 'key.claim_link_created', actor: { type: 'root_key' } })
    })

    it('under the same Idempotency-Key are one, whose URL is told for ten minutes', async () => {
      const { key } = await keyturn.createKey('default')
      const again = () =>
        keyturn.request('POST', `/v1/keys/${key.id}/claim-links`, { body: {}, headers: { 'idempotency-key': 'once' } })
      const first = await again()
      expect((await again()).body).toEqual(first.body)
      keyturn.clock.advance(600_000)
      expect((await again()).body).toEqual({ ...first.body, url: null })
      expect(await list(key)).toHaveLength(1)
    })

    it('are listed page by page, newest first, each with what became of it', async () => {
      const { key, link: first } = await make()
      const links = [first, (await create(key)).body, (await create(key)).body]
      await withdraw(key, first.id)
      const ids: string[] = []
      for (let cursor = ''; ; ) {
        const { body } = await keyturn.request('GET', `/v1/keys/${key.id}/claim-links?limit=2${cursor}`)
        ids.push(...body.data.map((row: { id: string }) => row.id))
        if (body.next_cursor === null) break
        cursor = `&cursor=${body.next_cursor}`
      }
      expect(ids).toEqual(links.map(({ id }) => id).toReversed())
      keyturn.clock.advance(8 * day)
      expect((await list(key)).map((row: { status: string }) => row.status)).toEqual([
        'expired',
        'expired',
        'withdrawn',
      ])
    })

    it('are refused where whoever opened them would be, with what stands in the way', async () => {
      const staged = (await keyturn.createKey('default')).key
      await act(staged, 'secrets')
      const retiring = (await keyturn.createKey('default')).key
      await act(retiring, 'rotate')
      const disabled = (await keyturn.createKey('default')).key
      await act(disabled, 'disable')
      const revoked = (await keyturn.createKey('default')).key
      await act(revoked, 'revoke')
      const publishable = (await keyturn.createKey('default', { kind: 'publishable' })).key
      const management = (await keyturn.createManagementKey('default')).key
      await expectNothingChanged(keyturn, async () => {
        for (const [key, code, more] of [
          [staged, 'secondary_staged', { operations: ['promote', 'cancel'] }],
          [retiring, 'rotation_in_progress', { operations: ['finish', 'cancel'] }],
          [disabled, 'key_disabled', { until: null, operations: ['enable'] }],
          [revoked, 'key_revoked', { until: null, operations: ['create'] }],
          [publishable, 'key_cannot_be_claimed', { management: false }],
          [management, 'key_cannot_be_claimed', { management: true }],
        ] as const) {
          const answer = await create(key)
          expect(faultOf(answer, { status: 409, code })).toBeNull()
          expect(answer.body).toMatchObject(more)
        }
      })
    })
  })

  describe('opened', () => {
    it('show a page that changes nothing, however often and in whatever way it is fetched', async () => {
      const { key, link } = await make({ purpose: 'Nightly export of orders' })
      await expectNothingChanged(keyturn, async () => {
        for (const method of ['GET', 'HEAD', 'GET', 'OPTIONS', 'PUT', 'DELETE', 'PROPFIND']) await page(link, method)
        for (const query of ['?confirm=yes', '?', '#confirm=yes']) {
          const answer = await keyturn.request('GET', `/claim/${tokenOf(link)}${query}`, { key: null })
          expect(answer.status).toBe(200)
        }
      })
      const { status, text, headers } = await page(link)
      expect(status).toBe(200)
      expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
      expect(text).toContain(key.name)
      expect(text).toContain('Nightly export of orders')
      expect((await list(key))[0]).toMatchObject({ status: 'open', claimed_at: null })
    })

    it('by POST as a scanner sends a form that it found, or without one, change nothing either', async () => {
      const { link } = await make()
      await expectNothingChanged(keyturn, async () => {
        for (const raw of ['', 'confirm=', 'confirm=on', 'confirm=no', 'confirm=yes&confirm=yes', 'Confirm=yes']) {
          const answer = await press(link, raw)
          expect([raw, answer.status, valueIn(answer)]).toEqual([raw, 422, null])
          expect(answer.text).toContain('role="alert"')
        }
        for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x']) {
          expect((await press(link, '{"confirm":"yes"}', { 'content-type': type })).status).toBe(422)
        }
        expect((await press(link, 'x'.repeat(300_000))).status).toBe(413)
      })
    })

    it('are kept by nobody, told to no other site, found by no search engine, framed by none', async () => {
      const { link } = await make()
      const [opened, claimed, used] = [await page(link), await press(link), await page(link)]
      const unknown = await keyturn.request('GET', '/claim/nonsense', { key: null })
      for (const { headers } of [opened, claimed, used, unknown]) {
        expect(headers.get('cache-control')).toBe('no-store')
        expect(headers.get('referrer-policy')).toBe('same-origin')
        expect(headers.get('x-robots-tag')).toContain('noindex')
        const policy = headers.get('content-security-policy')
        expect(policy).toContain("default-src 'none'")
        expect(policy).toContain("frame-ancestors 'none'")
        expect(policy).not.toMatch(/unsafe|https?:|\*/)
      }
    })

    it('show whatever people have written as text', async () => {
      const hostile = `<script>alert(1)</script>"'&<b>`
      const { link } = await make({ name: hostile, purpose: hostile })
      const claimed = await press(link)
      for (const { text } of [claimed, await page(link)]) {
        expect(text).not.toContain('<script>alert')
        expect(text).not.toContain('<b>')
        expect(text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
      }
    })
  })

  describe('claimed', () => {
    it('stage a secret that works at once beside the old one, and show it this once', async () => {
      const { key, value, link } = await make()
      const answer = await press(link)
      expect(answer.status).toBe(200)
      const claimed = valueIn(answer) ?? ''
      expect([(await keyturn.verify(value)).code, (await keyturn.verify(claimed)).code]).toEqual(['VALID', 'VALID'])
      const after = await read(key)
      expect(after).toMatchObject({
        id: key.id,
        rotating: true,
        last_action: { action: 'key.secret_claimed', actor: { type: 'claim_link', id: link.id } },
      })
      const staged = after.secrets.find((secret) => secret.staged)
      expect((await list(key))[0]).toMatchObject({
        status: 'claimed',
        secret_id: staged?.id,
        claimed_at: staged?.created_at,
      })
      expect(answer.text).toContain(
        `curl -H &#39;Authorization: Bearer ${claimed}&#39; &#39;${publicUrl}/v1/keys/self&#39;`,
      )
      const again = [await press(link), await page(link)]
      for (const { status, text } of again) {
        expect(status).toBe(410)
        expect(text).toContain('This link was already used')
        expect(text).not.toContain(claimed.slice(12))
      }
      await act(key, 'promote', { overlap: 0 })
      expect([(await keyturn.verify(value)).code, (await keyturn.verify(claimed)).code]).toEqual(['ROTATED', 'VALID'])
    })

    it('give a key that has expired a secret again, within the limit of its project', async () => {
      const project = await keyturn.createProject('default')
      const { key } = await keyturn.createKey(project.id, { expires_in: 3600 })
      const link = (await create(key)).body
      keyturn.clock.advance(day)
      await keyturn.request('PATCH', `/v1/projects/${project.id}`, { body: { policy: { max_active_keys: 1 } } })
      const refused = await press(link)
      expect(refused.status).toBe(409)
      expect(refused.text).toContain('as many active keys as it may')
      await keyturn.request('PATCH', `/v1/projects/${project.id}`, { body: { policy: { max_active_keys: 2 } } })
      const claimed = valueIn(await press(link)) ?? ''
      expect((await keyturn.verify(claimed)).code).toBe('VALID')
      expect(await read(key)).toMatchObject({ status: 'active', rotating: false })
    })

    it('by any number of clicks at once make exactly one secret and show it to exactly one', async () => {
      for (let round = 0; round < 5; round++) {
        const { key, link } = await make()
        const answers = await Promise.all(Array.from({ length: 8 }, () => press(link)))
        const shown = answers.map(valueIn).filter((value) => value !== null)
        expect(shown).toHaveLength(1)
        expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, ...Array(7).fill(410)])
        expect((await read(key)).secrets).toHaveLength(2)
        expect((await eventsOf(key)).filter(({ action }: any) => action === 'key.secret_claimed')).toHaveLength(1)
        expect((await keyturn.verify(shown[0] ?? '')).code).toBe('VALID')
      }
    })

    it('of two links to one key at once leave one secret, and the other link as it was', async () => {
      for (let round = 0; round < 5; round++) {
        const { key, link } = await make()
        const other = (await create(key)).body
        const answers = await Promise.all([press(link), press(other)])
        expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409])
        expect(answers.filter((answer) => valueIn(answer) !== null)).toHaveLength(1)
        expect((await read(key)).secrets).toHaveLength(2)
        expect((await list(key)).map(({ status }: any) => status).sort()).toEqual(['claimed', 'open'])
      }
    })

    it('at the moment of another operation, one of both happens and nothing is half done', async () => {
      for (const [operation, body] of [
        ['rotate', {}],
        ['revoke', {}],
        ['disable', {}],
      ] as const) {
        const { key, link } = await make()
        const [claimed, done] = await Promise.all([press(link), act(key, operation, body)])
        const value = valueIn(claimed)
        const [row] = await list(key)
        expect([claimed.status === 200, row.status === 'claimed', row.secret_id !== null]).toEqual(
          Array(3).fill(value !== null),
        )
        if (operation === 'rotate') expect([value !== null, done.status === 200].filter(Boolean)).toHaveLength(1)
        else expect(done.status).toBe(200)
        const found = (await read(key)).secrets.filter(({ id }) => id === row.secret_id)
        expect(found).toHaveLength(value === null ? 0 : 1)
      }
    })

    it('are on record: who made the link, who used it, from where, and no token', async () => {
      const { key, link } = await make()
      const claimed = await press(link, 'confirm=yes', { 'x-forwarded-for': '203.0.113.7' })
      const [event, made] = await eventsOf(key)
      expect(made).toMatchObject({
        action: 'key.claim_link_created',
        actor: { type: 'root_key' },
        after: { claim_link: { id: link.id, expires_at: link.expires_at } },
      })
      expect(event).toMatchObject({
        action: 'key.secret_claimed',
        actor: { type: 'claim_link', id: link.id, name: 'Claim link of Root key' },
        address: '203.0.113.7',
        after: { claim_link: { id: link.id, created_by: { type: 'root_key' } } },
      })
      expect(JSON.stringify([event, made])).not.toContain(tokenOf(link).slice(12))
      const found = await keyturn.request('GET', `/v1/organizations/default/audit-events?actor=${link.id}`)
      expect(found.body.data).toEqual([event])
      expect(keyturn.log.join('\n')).not.toContain(tokenOf(link).slice(12))
      expect(keyturn.log.join('\n')).not.toContain(valueIn(claimed))
      expect(keyturn.log.some((line) => line.includes('"/claim/[token]"'))).toBe(true)
    })
  })

  describe('that cannot be used', () => {
    const expectClosed = async (link: ClaimLinkCreated, status: number, title: RegExp) => {
      for (const answer of [await page(link), await press(link), await page(link, 'HEAD')]) {
        expect([answer.status, valueIn(answer)]).toEqual([status, null])
        if (answer.text !== '') expect(answer.text).toMatch(title)
      }
    }

    it('because their time is over, say since when, and what next', async () => {
      const { link } = await make()
      keyturn.clock.advance(7 * day - 2000)
      expect((await page(link)).status).toBe(200)
      keyturn.clock.advance(2000)
      await expectNothingChanged(keyturn, () => expectClosed(link, 410, /The time of this link is over/))
    })

    it('because they were withdrawn, say so; withdrawing is done once', async () => {
      const { key, link } = await make()
      expect((await withdraw(key, link.id)).status).toBe(204)
      expect((await eventsOf(key))[0]).toMatchObject({
        action: 'key.claim_link_withdrawn',
        after: { claim_link: { id: link.id } },
      })
      await expectNothingChanged(keyturn, async () => {
        expect((await withdraw(key, link.id)).status).toBe(204)
        await expectClosed(link, 410, /This link was withdrawn/)
      })
    })

    it('because the key was revoked, say that this is for ever; what ended the key stays its last action', async () => {
      const { key, link } = await make()
      await act(key, 'revoke')
      await expectClosed(link, 410, /was revoked/)
      expect((await withdraw(key, link.id)).status).toBe(204)
      expect((await read(key)).last_action.action).toBe('key.revoked')
    })

    it('because the key is disabled, being rotated, or staged for, are good again afterwards', async () => {
      const { key, link } = await make()
      for (const [before, title, after] of [
        ['disable', /is disabled/, 'enable'],
        ['rotate', /is being rotated/, 'cancel'],
        ['secrets', /Another new secret is there already/, 'cancel'],
      ] as const) {
        await act(key, before)
        await expectClosed(link, 409, title)
        await act(key, after)
        expect((await page(link)).status).toBe(200)
      }
      expect((await press(link)).status).toBe(200)
    })

    it('because nobody was given them, because they are cut off, or because the key was deleted, look alike', async () => {
      const { key, link } = await make()
      const token = tokenOf(link)
      await keyturn.request('DELETE', `/v1/keys/${key.id}?confirm=DELETE`)
      const texts = new Set<string>()
      for (const path of [
        token,
        token.slice(0, -1),
        `${token}x`,
        'nonsense',
        '%00',
        'x'.repeat(5000),
        '%E2%80%AE',
        "';--",
      ]) {
        const answer = await keyturn.request('GET', `/claim/${path}`, { key: null })
        expect([path, answer.status]).toEqual([path, 404])
        texts.add(answer.text)
      }
      expect(texts.size).toBe(1)
      expect((await press(link)).status).toBe(404)
    })

    it('because they were used can be withdrawn no more: the answer says what helps', async () => {
      const { key, link } = await make()
      await press(link)
      const answer = await withdraw(key, link.id)
      expect(faultOf(answer, { status: 409, code: 'claim_link_ended' })).toBeNull()
      expect(answer.body.secret).toBe((await list(key))[0].secret_id)
    })

    it('because of another key or organization are not there', async () => {
      const { link } = await make()
      const { key: other } = await keyturn.createKey('default')
      const foreign = await keyturn.createProject((await keyturn.createOrganization()).id)
      const { key: foreignKey } = await keyturn.createKey(foreign.id)
      const foreignLink = (await create(foreignKey)).body
      const { secret } = await keyturn.createManagementKey('default', { scopes: ['keys:read', 'keys:write'] })
      await expectNothingChanged(keyturn, async () => {
        for (const id of [link.id, foreignLink.id, 'clm_00000000000000000000000000', 'nonsense']) {
          const answer = await withdraw(other, id, { key: secret.value })
          expect(faultOf(answer, { status: 404, code: 'claim_link_not_found' })).toBeNull()
        }
        const answer = await withdraw(foreignKey, foreignLink.id, { key: secret.value })
        expect(faultOf(answer, { status: 404, code: 'key_not_found' })).toBeNull()
      })
      expect((await page(foreignLink)).status).toBe(200)
    })
  })
})
