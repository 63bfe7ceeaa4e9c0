import type { Key } from '@keyturn/contract'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { csvHeader, harmless, toCsvRows } from './csv.ts'

const actor = { type: 'management_key', id: 'key_1', name: '=Automation' } as const
const secret = {
  id: 'sec_1',
  slot: 'primary',
  status: 'live',
  staged: false,
  hint: 'kt_live_aaaa…zzzz',
  created_at: '2026-11-20T00:00:00.000Z',
  expires_at: '2027-11-20T00:00:00.000Z',
  retires_at: null,
  rotation_due_at: null,
  last_used_at: null,
  value: null,
} as const

const keyWith = (fields: Partial<Key>): Key => ({
  id: 'key_1',
  organization_id: 'org_1',
  project_id: 'prj_1',
  name: 'Zapier, production',
  kind: 'secret',
  environment: 'live',
  status: 'active',
  expiring: false,
  rotating: false,
  legacy: false,
  purpose: null,
  owner: null,
  contact: null,
  scopes: [],
  allowed_ips: [],
  metadata: {},
  rate_limit: null,
  quota: null,
  never_expires: false,
  expires_at: '2027-11-20T00:00:00.000Z',
  next_expiry_at: '2027-11-20T00:00:00.000Z',
  rotation_due_at: null,
  last_used_at: null,
  last_refused: null,
  created_at: '2026-11-20T00:00:00.000Z',
  created_by: actor,
  last_action: { action: 'key.created', actor, at: '2026-11-20T00:00:00.000Z' },
  reviewed_at: null,
  revoked_reason: null,
  management: null,
  secrets: [secret],
  warnings: [],
  ...fields,
})

const read = (keys: readonly Key[]): Record<string, string>[] => parse(csvHeader() + toCsvRows(keys), { columns: true })

describe('a key as a row of CSV', () => {
  it('has its fields in columns of the same names', () => {
    const [row] = read([keyWith({ scopes: ['orders:read', 'orders:write'], owner: 'ada@example.com', legacy: true })])
    expect(row).toEqual({
      id: 'key_1',
      name: 'Zapier, production',
      project_id: 'prj_1',
      kind: 'secret',
      environment: 'live',
      status: 'active',
      legacy: 'true',
      expiring: 'false',
      next_expiry_at: '2027-11-20T00:00:00.000Z',
      expires_at: '2027-11-20T00:00:00.000Z',
      never_expires: 'false',
      last_used_at: '',
      last_refused_at: '',
      last_refused_code: '',
      owner: 'ada@example.com',
      contact: '',
      purpose: '',
      scopes: 'orders:read orders:write',
      hint: 'kt_live_aaaa…zzzz',
      created_at: '2026-11-20T00:00:00.000Z',
      created_by: "'=Automation",
      last_action: 'key.created',
      last_action_by: "'=Automation",
      last_action_at: '2026-11-20T00:00:00.000Z',
    })
  })

  it('says when and how a call with an ended secret of it was refused last', () => {
    const last_refused = { code: 'ROTATED', secret_id: 'sec_0', at: '2027-01-01T00:00:00.000Z' } as const
    expect(read([keyWith({ last_refused })])[0]).toMatchObject({
      last_refused_at: last_refused.at,
      last_refused_code: 'ROTATED',
    })
  })

  it('never shows a value, be it a publishable one', () => {
    expect(toCsvRows([keyWith({ secrets: [{ ...secret, value: 'kt_pub_live_value' }] })])).not.toContain(
      'kt_pub_live_value',
    )
  })

  it('shows the hint of the live secret, else of the newest', () => {
    const ended = { ...secret, status: 'revoked', hint: 'kt_live_bbbb…yyyy' } as const
    expect(read([keyWith({ secrets: [ended, secret] })])[0]?.['hint']).toBe(secret.hint)
    expect(read([keyWith({ secrets: [ended, { ...ended, hint: 'older' }] })])[0]?.['hint']).toBe(ended.hint)
  })

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1', '＝1+1', '＋1', '－1', '＠SUM(A1)'])(
    'is no formula where a field begins as %j',
    (text) => {
      expect(harmless(text)).toBe(`'${text}`)
      const scopes = [text.trim() || 'none']
      for (const row of read([keyWith({ name: text, purpose: text, owner: text, contact: text, scopes })])) {
        for (const cell of Object.values(row)) expect(cell).not.toMatch(/^[=+\-@\t\r\n＝＋－＠]/)
        expect(row['name']).toBe(`'${text}`)
      }
    },
  )

  it('leaves every other cell as it is', () => {
    for (const text of ['', 'a=1', "'quoted'", '1-1', ' =1', '§', '日本']) expect(harmless(text)).toBe(text)
  })

  it('comes back from a reader of RFC 4180 as it was, whatever is in it', () => {
    const text = fc.string({ unit: 'binary', maxLength: 30 })
    fc.assert(
      fc.property(fc.array(fc.record({ name: text, purpose: text }), { maxLength: 5 }), (fields) => {
        const rows = read(fields.map(keyWith))
        expect(rows.map(({ name, purpose }) => ({ name, purpose }))).toEqual(
          fields.map(({ name, purpose }) => ({ name: harmless(name), purpose: harmless(purpose) })),
        )
      }),
    )
  })

  it('ends every line with CR and LF', () => {
    expect(csvHeader()).toMatch(/^id,name,[^\r\n]+\r\n$/)
    expect(toCsvRows([keyWith({}), keyWith({})]).split('\r\n')).toHaveLength(3)
    expect(toCsvRows([])).toBe('')
  })
})
