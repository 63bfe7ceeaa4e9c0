import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { forgetOldAnswers } from '../../src/idempotency/idempotent.ts'
import { redact } from '../../src/kernel/redaction.ts'
import { anEngine } from '../support/engines.ts'
import { type Keyturn, openKeyturn } from '../support/keyturn.ts'
import { operations } from '../support/operations.ts'
import { callOperation, makePlace } from '../support/samples.ts'

describe.each(anEngine('PostgreSQL'))('after a full run through all endpoints, on $name', (engine) => {
  let keyturn: Keyturn
  /** Secret: in no place at all. Publishable: in their own column alone. */
  const [secret, publishable]: [string[], string[]] = [[], []]
  /** Every column of every table, as text. */
  let columns: Map<string, string>
  let events: string

  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
    const place = await makePlace(keyturn)
    const management = await keyturn.createManagementKey(place.org, { scopes: ['keys:read', 'keys:write', 'verify'] })
    secret.push(keyturn.rootKey, place.ownValue, management.secret.value)

    const endsIt = (name: string) => /revoke|^DELETE/.test(name)
    const inOrder = operations.toSorted((a, b) => Number(endsIt(a.name)) - Number(endsIt(b.name)))
    for (const [at, operation] of inOrder.entries()) {
      const headers: Record<string, string> = operation.method === 'POST' ? { 'idempotency-key': `run-${at}` } : {}
      for (let times = 0; times < 2; times++) {
        const { body } = await callOperation(keyturn, operation, place, { headers })
        remember(body?.secret)
      }
      for (const key of [place.ownValue, management.secret.value])
        await callOperation(keyturn, operation, place, { key })
    }
    for (const kind of ['secret', 'publishable', 'jwt']) remember((await keyturn.createKey('default', { kind })).secret)
    await misuse(management.secret.value)
    await dump(place.org)
  })
  afterAll(() => keyturn.stop())

  function remember(one: { value: string | null } | undefined): void {
    if (one?.value) (one.value.startsWith('kt_pub_') ? publishable : secret).push(one.value)
  }

  /** What people do with a value that they should not: each of it is answered, and none of it may be kept or logged. */
  async function misuse(managementKey: string): Promise<void> {
    const { key, secret: own } = await keyturn.createKey('default')
    remember(own)
    const self = (value: string) => keyturn.request('GET', '/v1/keys/self', { key: value })
    for (const action of [null, 'disable', 'revoke']) {
      if (action !== null) await keyturn.request('POST', `/v1/keys/${key.id}/${action}`)
      const answers = [
        await keyturn.verify(own.value),
        await keyturn.verify(` "Bearer ${own.value}" `),
        await keyturn.verify(`${own.value}0`),
        (await self(own.value)).body,
        (await keyturn.request('GET', '/v1/organizations', { key: own.value })).body,
        (await keyturn.request('GET', `/v1/keys/${own.value}`)).body,
        (await keyturn.request('POST', '/v1/verify', { body: { key: own.value, kinds: 'secret' } })).body,
        (await keyturn.request('POST', '/v1/verify', { body: { key: { value: own.value } } })).body,
        (await keyturn.request('POST', '/v1/verify', { raw: `{"key": "${own.value}` })).body,
        (await keyturn.request('GET', `/v1/projects/default/keys?q=${own.value}`)).body,
        (await keyturn.request('GET', '/v1/organizations', { key: `${managementKey}, ${own.value}` })).body,
      ]
      for (const answer of answers) expect(JSON.stringify(answer)).not.toContain(own.value.slice(12, 30))
    }
  }

  async function dump(org: string): Promise<void> {
    await forgetOldAnswers(keyturn.ground)
    const { reader } = keyturn.database
    const { rows } = await sql<{ table: string; column: string }>`select table_name as table, column_name as column
      from information_schema.columns where table_schema = 'public' order by 1, 2`.execute(reader)
    columns = new Map()
    for (const { table, column } of rows) {
      const found = await sql<{ text: string | null }>`select string_agg(${sql.ref(column)}::text, chr(10)) as text
        from ${sql.table(table)}`.execute(reader)
      columns.set(`${table}.${column}`, found.rows[0]?.text ?? '')
    }
    const chains = [
      '/v1/audit-events',
      '/v1/organizations/default/audit-events',
      `/v1/organizations/${org}/audit-events`,
    ]
    events = (await Promise.all(chains.map((path) => keyturn.request('GET', `${path}?limit=200`))))
      .map(({ text }) => text)
      .join('\n')
  }

  /** The value, and the random part of it alone, as somebody might have kept it. */
  const formsOf = (value: string) =>
    [value, value.split('.')[2]?.slice(0, 30) ?? value.slice(12, 30)].flatMap((part) => [
      part,
      Buffer.from(part).toString('hex'),
      Buffer.from(part).toString('base64').replace(/=+$/, '').slice(0, -1),
    ])
  const holds = (text: string, value: string) => formsOf(value).some((form) => text.includes(form))

  it('something of everything was there to be found', () => {
    expect(secret.length).toBeGreaterThan(6)
    expect(publishable.length).toBeGreaterThan(0)
    expect(columns.size).toBeGreaterThan(60)
    for (const column of ['idempotent_answers.sealed_answer', 'audit_events.body', 'secrets.digest', 'keys.name'])
      expect(columns.get(column)?.length, column).toBeGreaterThan(0)
    expect(keyturn.log.length).toBeGreaterThan(0)
    expect(events.length).toBeGreaterThan(1000)
  })

  it('no column of any table has the value of a secret, in whatever form', () => {
    const found = [...columns].filter(([, text]) => secret.some((value) => holds(text, value)))
    expect(found.map(([column]) => column)).toEqual([])
  })

  it('publishable values stand in their own column, and in the answer to their creation that is kept to be repeated', () => {
    const found = [...columns].filter(([, text]) => publishable.some((value) => holds(text, value)))
    expect(found.map(([column]) => column)).toEqual(['secrets.value'])
  })

  it('no audit event has any value, publishable or not', () => {
    expect([...secret, ...publishable].filter((value) => holds(events, value))).toEqual([])
  })

  it('no line of the log has any value, publishable or not', () => {
    // As it leaves the process: main/logger.ts hands every line to `redact`, for a value that came as a part of a path.
    const log = redact(keyturn.log.join('\n'))
    expect([...secret, ...publishable].filter((value) => holds(log, value))).toEqual([])
  })
})
