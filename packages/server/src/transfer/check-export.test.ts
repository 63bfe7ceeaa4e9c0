import { describe, expect, it } from 'vitest'
import { type LooseLine, readLines, sealed, smallExport, withEnd, writeLines } from '../../test/support/exports.ts'
import { checkExport, type SentExport } from './check-export.ts'
import { LineRefused, type RecordLine } from './lines.ts'

const id = 'org_01kzz00000aaaaaaaaaaaaaaaa'
const now = Date.UTC(2026, 5, 1)
const whole = smallExport(id)
const at = '2026-01-05T08:00:00.000Z'
const later = '2027-01-05T08:00:00.000Z'
const actor = { type: 'root_key', id: null, name: 'Root key' }

const asSent = (octets: Uint8Array): SentExport =>
  async function* () {
    let [from, number] = [0, 0]
    for (let to = octets.indexOf(10); to !== -1; to = octets.indexOf(10, from)) {
      yield { number: ++number, octets: octets.subarray(from, to), isWhole: true }
      from = to + 1
    }
    if (from < octets.length) yield { number: ++number, octets: octets.subarray(from), isWhole: false }
  }

/** What stands against a file: line, field and detail; null: nothing does. */
async function refusalOf(file: string | Uint8Array): Promise<LineRefused | null> {
  try {
    await checkExport(asSent(Buffer.from(file)), now)
    return null
  } catch (error) {
    if (error instanceof LineRefused) return error
    throw error
  }
}

const secret = {
  id: 'sec_1',
  slot: 'primary',
  digest: 'a'.repeat(64),
  hint: 'kt_live_aaaa…aaaa',
  value: null,
  created_at: at,
  expires_at: later,
  retires_at: null,
  overlap_started_at: null,
  ended_at: null,
  ended_by: null,
  last_used_at: '-infinity',
  last_address: null,
  last_user_agent: null,
  addresses: [],
  last_refused_at: '-infinity',
  last_refused_code: null,
}
const [, organization, project] = readLines(whole) as [LooseLine, LooseLine, LooseLine]
const key: LooseLine = {
  type: 'key',
  id: 'key_1',
  project_id: project['id'],
  management_projects: null,
  kind: 'secret',
  environment: 'live',
  name: 'Zapier, production',
  purpose: null,
  owner: null,
  contact: null,
  scopes: [],
  allowed_ips: [],
  metadata: {},
  rate_limit: null,
  quota: null,
  state: 'active',
  legacy: false,
  first_end_at: later,
  last_end_at: later,
  created_at: at,
  created_by: actor,
  last_action: 'key.created',
  last_actor: actor,
  last_action_at: at,
  reviewed_at: null,
  revoked_reason: null,
  primary_made_at: at,
  successor_made_at: null,
  revision: 0,
  last_used_at: '-infinity',
  last_refused_at: '-infinity',
  secrets: [secret],
}
const member = (project_id: string): LooseLine => ({
  type: 'member',
  id: 'per_1',
  email: 'ada@example.com',
  name: 'Ada',
  role: null,
  projects: [{ project_id, role: 'admin' }],
})

/** With further records before the trail, or after it. */
const withRecords = (records: readonly LooseLine[], again: readonly LooseLine[] = []): string => {
  const lines = readLines(whole)
  return sealed([...lines.slice(0, 3), ...records, ...lines.slice(3), ...again])
}
const withLine = (place: number, change: object): string =>
  sealed(readLines(whole).map((line, index) => (index === place ? { ...line, ...change } : line)))

describe('a whole export', () => {
  it('is taken as it is, with more in it, too', async () => {
    expect(await refusalOf(whole)).toBeNull()
    expect(await refusalOf(withRecords([key, member(key['project_id'])]))).toBeNull()
  })

  it('of which any one byte was altered is refused', async () => {
    const octets = Buffer.from(whole)
    for (let place = 0; place < octets.length; place++) {
      const altered = Buffer.from(octets)
      altered[place] = (altered[place] ?? 0) ^ (1 << (place % 7))
      expect(await refusalOf(altered), `byte ${place}`).not.toBeNull()
    }
  })

  it('that was cut off anywhere is refused', async () => {
    const octets = Buffer.from(whole)
    for (let length = 0; length < octets.length; length++)
      expect(await refusalOf(octets.subarray(0, length)), `${length} bytes`).not.toBeNull()
  })

  it('of which any line was left out, doubled or moved is refused, also where its end was made anew', async () => {
    const lines = readLines(withRecords([key, member(key['project_id'])]))
    for (const [place, line] of lines.entries()) {
      const without = lines.toSpliced(place, 1)
      const variants = {
        without,
        doubled: lines.toSpliced(place, 0, line),
        ...Object.fromEntries(lines.map((_, to) => [`moved to ${to}`, without.toSpliced(to, 0, line)])),
      }
      for (const [what, altered] of Object.entries(variants)) {
        if (writeLines(altered) === writeLines(lines)) continue
        expect(await refusalOf(writeLines(altered)), `${line.type} ${what}`).not.toBeNull()
      }
    }
    const trail = lines.filter(({ type }) => type !== 'audit_event')
    expect(await refusalOf(withEnd(trail))).toMatchObject({ field: 'audit' })
  })

  it('says the last line of a record, where it comes again after the trail', async () => {
    const renamed = { ...key, name: 'Zapier, staging' }
    const checked = await checkExport(asSent(Buffer.from(withRecords([key], [renamed]))), now)
    const isLast = (number: number, line: LooseLine) => checked.isLast(number, line as RecordLine)
    expect([isLast(4, key), isLast(6, renamed)]).toEqual([false, true])
  })
})

describe('an export that somebody made up, with an end that fits, is refused by line and field', () => {
  const secrets = (...changes: object[]) =>
    withRecords([{ ...key, secrets: changes.map((one) => ({ ...secret, ...one })) }])
  const other = { ...key, id: 'key_2' }
  const legacy = { ...key, kind: 'publishable', legacy: true }
  const cases: [what: string, file: string, line: number, field: string | null][] = [
    ['another format', withLine(0, { format: 2 }), 1, 'format'],
    ['a field that nobody knows', withLine(1, { password: 'x' }), 2, null],
    ['another organization', withLine(1, { id: 'org_other' }), 2, 'id'],
    ['a time that is none', withLine(1, { created_at: '2026-02-30T00:00:00.000Z' }), 2, 'created_at'],
    ['a policy that is none', withLine(1, { policy: { max_active_keys: -1 } }), 2, 'policy.max_active_keys'],
    ['no project for management keys', withLine(2, { management: false }), 5, null],
    ['half a renewal', withLine(2, { renewal_reason: 'a laptop was stolen' }), 3, 'renewal_reason'],
    ['a type that nobody knows', withLine(2, { type: 'invoice' }), 3, 'type'],
    [
      'an event of another organization',
      withLine(3, { body: event({ organization_id: 'org_other' }) }),
      4,
      'body.organization_id',
    ],
    ['an event that nobody knows', withLine(3, { body: event({ action: 'key.sold' }) }), 4, 'body.action'],
    ['an event that is no JSON', withLine(3, { body: '{' }), 4, null],
    ['NUL', withLine(1, { name: 'a\u0000b' }), 2, null],
    ['a lone surrogate', withLine(1, { name: 'a\ud800b' }), 2, null],
    ['NUL in an event', withLine(3, { body: event({ request_id: '\u0000' }) }), 4, 'body'],
    ['a project that is not there', withRecords([{ ...key, project_id: 'prj_none' }]), 4, 'project_id'],
    ['a member of a project that is not there', withRecords([member('prj_none')]), 4, 'projects'],
    ['a key twice', withRecords([key, key]), 5, 'id'],
    ['keys out of order', withRecords([other, key]), 5, 'id'],
    ['kinds out of order', withRecords([member(key['project_id']), key]), 5, 'id'],
    ['two legacy keys', withRecords([legacy, { ...legacy, id: 'key_2' }]), 5, 'legacy'],
    ['a revoked legacy key', withRecords([{ ...legacy, state: 'revoked' }]), 4, 'state'],
    ['ends the wrong way round', withRecords([{ ...key, first_end_at: 'infinity' }]), 4, 'first_end_at'],
    ['no secret', withRecords([{ ...key, secrets: [] }]), 4, 'secrets'],
    ['the value of a secret', secrets({ value: 'kt_live_x' }), 4, 'secrets.0.value'],
    ['a digest that is none', secrets({ digest: 'A'.repeat(64) }), 4, 'secrets.0.digest'],
    ['an overlap past the end', secrets({ retires_at: 'infinity' }), 4, 'secrets.0.retires_at'],
    ['half an end', secrets({ ended_at: at }), 4, 'secrets.0.ended_by'],
    ['two live secrets in one slot', secrets({}, { id: 'sec_2', digest: 'b'.repeat(64) }), 4, 'secrets'],
  ]
  function event(change: object): string {
    const [, , , line] = readLines(whole) as [LooseLine, LooseLine, LooseLine, LooseLine]
    return JSON.stringify({ ...JSON.parse(line['body']), ...change })
  }

  it.each(cases)('%s', async (_, file, line, field) => {
    expect(await refusalOf(file)).toMatchObject({ line, field })
  })

  it.each([
    ['a space', whole.replace('"type":"organization",', '"type": "organization",')],
    ['a field twice', whole.replace('"type":"organization",', '"type":"organization","type":"organization",')],
    ['a number written otherwise', whole.replace('"policy_revision":0', '"policy_revision":0.0')],
    ['an escape', whole.replace('From elsewhere', '\\u0046rom elsewhere')],
    ['an empty line', whole.replace('\n', '\n\n')],
  ])('a line with %s', async (_, file) => {
    expect(await refusalOf(file)).toMatchObject({ line: 2 })
    expect(organization.type).toBe('organization')
  })
})
