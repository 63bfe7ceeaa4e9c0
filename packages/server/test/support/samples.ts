import type { Key } from '@keyturn/contract'
import { sql } from 'kysely'
import { expect } from 'vitest'
import { newId } from '../../src/kernel/ids.ts'
import { smallExport } from './exports.ts'
import { type Answer, type Keyturn, type RequestOptions } from './keyturn.ts'
import type { Operation } from './operations.ts'

/** What an operation is called on. */
export interface Place {
  readonly org: string
  readonly project: string
  readonly key: string
  /** An open one of `key`. */
  readonly claim_link?: string
  readonly feed_token?: string
  readonly tracked_credential?: string
  /** A webhook, and a dead letter of it. */
  readonly channel?: string
  readonly delivery?: string
  /** Of `key`, and a mail that failed. */
  readonly reminder?: string
  readonly mail?: string
  /** Of a change. */
  readonly sequence?: string
  /** Of a member, and of an open invitation. */
  readonly member?: string
  readonly invitation?: string
  /** The value of `key`, for operations that are called with the key itself. */
  readonly ownValue: string
  /** Instead of `org`, for the import of one: an id that nobody has here. */
  readonly elsewhere?: { readonly org: string; readonly id: string }
  /** Instead of `key`, for operations that want one in a situation of its own, by the name of the operation. */
  readonly insteadOf?: { readonly key: string; readonly by: Readonly<Record<string, string>> }
}

const importing = 'POST /v1/organizations/{org}/import.jsonl'

interface Sample {
  readonly body?: object | ((place: Place) => object)
  /** Where it takes a file instead. */
  readonly file?: { readonly type: string; readonly text: (place: Place) => string }
  /** Of the answer to it. */
  readonly status: number
}

/**
 * A request of each operation with which nothing is wrong. What tests make wrong with it is then the only thing that is. An
 * operation that is missing here fails every generated test.
 */
const samples: Readonly<Record<string, Sample>> = {
  'GET /v1/keys/self': { status: 200 },
  'GET /v1/keys/self/renewal-info': { status: 200 },
  'POST /v1/keys/self/rotate': { body: {}, status: 200 },
  // A name of which no slug can be made gets one at random, so that it can be used any number of times.
  'POST /v1/organizations': { body: { name: '日本商事' }, status: 201 },
  'GET /v1/organizations': { status: 200 },
  'GET /v1/organizations/{org}': { status: 200 },
  'PATCH /v1/organizations/{org}': { body: { name: 'Globex, renamed' }, status: 200 },
  'POST /v1/organizations/{org}/projects': { body: { name: '店頭' }, status: 201 },
  'GET /v1/organizations/{org}/projects': { status: 200 },
  'GET /v1/projects/{project}': { status: 200 },
  'PATCH /v1/projects/{project}': { body: { name: 'Storefront, renamed' }, status: 200 },
  'POST /v1/projects/{project}/renewals': { body: { reason: 'a laptop was stolen' }, status: 200 },
  'GET /v1/projects/{project}/keys': { status: 200 },
  'POST /v1/projects/{project}/keys': { body: { name: 'Zapier, production' }, status: 201 },
  // A value is known in one place alone, and there any number of times.
  'POST /v1/organizations/{org}/import': {
    body: ({ project }) => ({ project, keys: [{ value: `acme_${project}`, name: 'Zapier, production' }] }),
    status: 201,
  },
  'POST /v1/organizations/{org}/import.csv': {
    file: {
      type: 'text/csv',
      text: ({ project }) => `value,name,project\r\nacme_csv_${project},"Zapier, production",${project}\r\n`,
    },
    status: 201,
  },
  'GET /v1/organizations/{org}/export': { status: 200 },
  [importing]: {
    file: { type: 'application/jsonl', text: ({ elsewhere }) => smallExport(elsewhere?.id ?? 'org_none') },
    status: 201,
  },
  'GET /v1/organizations/{org}/keys': { status: 200 },
  'GET /v1/organizations/{org}/management-keys': { status: 200 },
  'POST /v1/organizations/{org}/management-keys': {
    body: { name: 'Deploy pipeline', scopes: ['keys:read'] },
    status: 201,
  },
  'GET /v1/projects/{project}/keys.csv': { status: 200 },
  'GET /v1/organizations/{org}/keys.csv': { status: 200 },
  'GET /v1/organizations/{org}/expirations': { status: 200 },
  'GET /v1/organizations/{org}/expirations.csv': { status: 200 },
  'GET /v1/organizations/{org}/expirations/forecast': { status: 200 },
  'GET /v1/organizations/{org}/expirations.ics': { status: 200 },
  'GET /v1/organizations/{org}/findings': { status: 200 },
  'POST /v1/organizations/{org}/policy/dry-run': { body: { policy: { max_overlap: 604_800 } }, status: 200 },
  'POST /v1/projects/{project}/policy/dry-run': { body: { policy: { rotate_every: 86_400 } }, status: 200 },
  'POST /v1/organizations/{org}/feed-tokens': { body: { name: 'Calendar' }, status: 201 },
  'GET /v1/organizations/{org}/feed-tokens': { status: 200 },
  'DELETE /v1/organizations/{org}/feed-tokens/{feed_token}': { status: 204 },
  'POST /v1/organizations/{org}/tracked-credentials': {
    body: ({ project }) => ({ name: 'Stripe, webhooks', expires_at: '2030-01-01T00:00:00Z', project }),
    status: 201,
  },
  'GET /v1/organizations/{org}/tracked-credentials': { status: 200 },
  'GET /v1/organizations/{org}/tracked-credentials/{tracked_credential}': { status: 200 },
  'PATCH /v1/organizations/{org}/tracked-credentials/{tracked_credential}': {
    body: { name: 'Stripe, renamed' },
    status: 200,
  },
  'POST /v1/organizations/{org}/tracked-credentials/{tracked_credential}/renew': {
    body: { expires_at: '2031-01-01T00:00:00Z' },
    status: 200,
  },
  'DELETE /v1/organizations/{org}/tracked-credentials/{tracked_credential}': { status: 204 },
  'POST /v1/organizations/{org}/channels': { body: { kind: 'webhook', url: 'https://hooks.invalid/new' }, status: 201 },
  'GET /v1/organizations/{org}/channels': { status: 200 },
  'GET /v1/channels/{channel}': { status: 200 },
  'PATCH /v1/channels/{channel}': { body: { events: ['key.used_after_end'] }, status: 200 },
  'POST /v1/channels/{channel}/rotate-secret': { body: { overlap: 3600 }, status: 200 },
  'POST /v1/channels/{channel}/test': { body: {}, status: 201 },
  'GET /v1/channels/{channel}/deliveries': { status: 200 },
  'POST /v1/channels/{channel}/deliveries/{delivery}/retry': { body: {}, status: 200 },
  'DELETE /v1/channels/{channel}': { status: 204 },
  'GET /v1/organizations/{org}/reminders': { status: 200 },
  'POST /v1/reminders/{reminder}/acknowledge': { body: {}, status: 200 },
  'GET /v1/keys/{key}/reminders/preview': { status: 200 },
  'GET /v1/organizations/{org}/outbox': { status: 200 },
  'GET /v1/organizations/{org}/outbox/{mail}': { status: 200 },
  'POST /v1/organizations/{org}/outbox/{mail}/retry': { body: {}, status: 200 },
  'GET /v1/keys/{key}': { status: 200 },
  'PATCH /v1/keys/{key}': { body: { name: 'Zapier, renamed' }, status: 200 },
  'DELETE /v1/keys/{key}': { body: { confirm: 'DELETE' }, status: 204 },
  'POST /v1/keys/{key}/extend': { body: { expires_in: 400 * 86_400 }, status: 200 },
  'POST /v1/keys/{key}/rotate': { body: { overlap: 3600, force: true }, status: 200 },
  'POST /v1/keys/{key}/secrets': { body: { expires_in: 172_800 }, status: 201 },
  'POST /v1/keys/{key}/promote': { body: { overlap: 3600 }, status: 200 },
  'POST /v1/keys/{key}/finish': { body: { force: true }, status: 200 },
  'POST /v1/keys/{key}/cancel': { body: { force: true }, status: 200 },
  'POST /v1/keys/{key}/disable': { body: {}, status: 200 },
  'POST /v1/keys/{key}/enable': { body: {}, status: 200 },
  'POST /v1/keys/{key}/review': { body: {}, status: 200 },
  'POST /v1/keys/{key}/revoke': { body: { reason: 'the integration is gone' }, status: 200 },
  'GET /v1/keys/{key}/rotation': { status: 200 },
  'GET /v1/keys/{key}/usage': { status: 200 },
  'POST /v1/keys/{key}/claim-links': { body: { expires_in: 3600 }, status: 201 },
  'GET /v1/keys/{key}/claim-links': { status: 200 },
  'DELETE /v1/keys/{key}/claim-links/{claim_link}': { status: 204 },
  'GET /v1/nodes': { status: 200 },
  'GET /v1/signing-keys': { status: 200 },
  'POST /v1/signing-keys/rotate': { body: { withdraw: false }, status: 200 },
  'GET /v1/propagations/{sequence}': { status: 200 },
  'POST /v1/verify': { body: { key: 'a value that nobody was given' }, status: 200 },
  'GET /v1/organizations/{org}/members': { status: 200 },
  'GET /v1/organizations/{org}/members/{member}': { status: 200 },
  'PATCH /v1/organizations/{org}/members/{member}': { body: { role: 'manager', projects: [] }, status: 200 },
  'GET /v1/organizations/{org}/members/{member}/leaving': { status: 200 },
  'POST /v1/organizations/{org}/members/{member}/remove': { body: { force: true }, status: 200 },
  'POST /v1/organizations/{org}/members/{member}/password-reset': { body: {}, status: 201 },
  'GET /v1/organizations/{org}/invitations': { status: 200 },
  'POST /v1/organizations/{org}/invitations': { body: { email: 'grace@example.com', role: 'manager' }, status: 201 },
  'DELETE /v1/organizations/{org}/invitations/{invitation}': { status: 204 },
  'POST /v1/organizations/{org}/portal-sessions': {
    body: { email: 'ada@customer.example', name: 'Ada', role: 'manager', ttl: 3600 },
    status: 201,
  },
  'GET /v1/organizations/{org}/audit-events': { status: 200 },
  'GET /v1/organizations/{org}/audit-events/verification': { status: 200 },
  'GET /v1/organizations/{org}/audit-events.csv': { status: 200 },
  'GET /v1/organizations/{org}/audit-events.jsonl': { status: 200 },
  'GET /v1/audit-events.csv': { status: 200 },
  'GET /v1/audit-events.jsonl': { status: 200 },
  'GET /v1/audit-events': { status: 200 },
  'GET /v1/audit-events/verification': { status: 200 },
}

export function sampleOf(operation: Operation): Sample {
  const sample = samples[operation.name]
  if (!sample) throw new Error(`${operation.name} is new: give it a sample in test/support/samples.ts`)
  return sample
}

/** The body of its sample. */
export function bodyOf(operation: Operation, place: Place): object | undefined {
  const { body } = sampleOf(operation)
  return typeof body === 'function' ? body(place) : body
}

/** The same as it is sent. */
export const rawBodyOf = (operation: Operation, place: Place): string =>
  sampleOf(operation).file?.text(place) ?? JSON.stringify(bodyOf(operation, place) ?? {})

/** Samples of operations that are no longer there. */
export const staleSamples = (operations: readonly Operation[]): string[] =>
  Object.keys(samples).filter((name) => !operations.some((operation) => operation.name === name))

/** The path with its parameters filled in. */
export function pathOf(operation: Operation, place: Omit<Place, 'ownValue'>): string {
  const { org, project, claim_link = 'clm_none', feed_token = 'fdt_none', sequence = '1' } = place
  const { tracked_credential = 'trc_none', channel = 'chn_none', delivery = 'dlv_none' } = place
  const { reminder = 'rem_none', mail = 'mail_none' } = place
  // A test that puts another key into the place means that one.
  const instead = place.insteadOf?.key === place.key ? place.insteadOf.by : {}
  const key = instead[operation.name] ?? place.key
  const path = operation.path
    .replace('{org}', operation.name === importing && place.elsewhere?.org === org ? place.elsewhere.id : org)
    .replace('{project}', project)
    .replace('{key}', key)
    .replace('{member}', place.member ?? '')
    .replace('{invitation}', place.invitation ?? '')
    .replace('{claim_link}', claim_link)
    .replace('{feed_token}', feed_token)
    .replace('{tracked_credential}', tracked_credential)
    .replace('{channel}', channel)
    .replace('{delivery}', delivery)
    .replace('{reminder}', reminder)
    .replace('{mail}', mail)
    // The first change of all: every installation has it.
    .replace('{sequence}', sequence)
  if (path.includes('{')) throw new Error(`${operation.name} has a parameter that tests do not know yet`)
  return path
}

/** All of them on one place: those that end the key, the credential or the member come last, so that the others find them there. */
export function inOrder(operations: readonly Operation[]): Operation[] {
  const ends = ['DELETE /v1/organizations/{org}/tracked-credentials/{tracked_credential}', '/remove', '/revoke']
  const all = [...ends, 'DELETE /v1/keys/{key}', 'DELETE /v1/channels/{channel}']
  const last = (name: string) => all.findIndex((end) => name.endsWith(end))
  return operations.toSorted((a, b) => last(a.name) - last(b.name))
}

/** Calls an operation with its sample, or with what is given instead. */
export function callOperation(
  keyturn: Pick<Keyturn, 'request'>,
  operation: Operation,
  place: Place,
  { query = '', ...options }: RequestOptions & { query?: string } = {},
): Promise<Answer> {
  const body = bodyOf(operation, place)
  const { file } = sampleOf(operation)
  return keyturn.request(operation.method, `${pathOf(operation, place)}${query}`, {
    ...(body && options.raw === undefined ? { body } : {}),
    ...(file && { raw: file.text(place) }),
    ...(operation.forManagementKeys ? {} : { key: place.ownValue }),
    ...options,
    ...(file && { headers: { 'content-type': file.type, ...options.headers } }),
  })
}

let invitees = 0

/** Straight into the tables: hashing a password for each would take longer than the tests. */
async function makeMember(keyturn: Keyturn, organizationId: string): Promise<string> {
  const { reader } = keyturn.database
  const id = newId('person', Date.now())
  const at = sql<number>`now()`
  const email = `${id}@example.com`
  const person = { id, name: 'Pat Person', email, email_verified: false, image: null, created_at: at, updated_at: at }
  await reader.insertInto('people').values(person).execute()
  const account = { id: newId('account', Date.now()), person_id: id, account_id: id, provider_id: 'credential' }
  await reader
    .insertInto('accounts')
    .values({ ...account, password: 'x', created_at: at, updated_at: at })
    .execute()
  const member = { organization_id: organizationId, person_id: id, role: 'member' as const, via: 'invitation' as const }
  await reader
    .insertInto('members')
    .values({ ...member, joined_at: at })
    .execute()
  return id
}

/** Stands in the table at once: giving up takes three days. */
async function makeDeadLetter(keyturn: Keyturn, org: string, channel: string): Promise<string> {
  const at = sql<number>`now()`
  const id = newId('delivery', Date.now())
  const row = { id, organization_id: org, channel_id: channel, type: 'channel.test', payload: '{}' }
  await keyturn.database.reader
    .insertInto('deliveries')
    .values({ ...row, state: 'dead', next_attempt_at: at, created_at: at, finished_at: at })
    .execute()
  return id
}

/** Stands in the table at once: nothing is to be told of a new key. */
async function makeReminder(keyturn: Keyturn, { id, organization_id, project_id, secrets }: Key): Promise<string> {
  const at = sql<number>`now()`
  const [secret] = secrets
  const reminder = {
    id: newId('reminder', Date.now()),
    organization_id,
    project_id,
    key_id: id,
    subject_id: secret?.id ?? '',
    reason: 'expiry' as const,
    ends_at: sql<number>`${secret?.expires_at}::timestamptz`,
    threshold_seconds: 3600,
    channel: 'email' as const,
    recipient: 'ada@example.com',
    state: 'planned' as const,
    urgent: false,
    send_at: sql<number>`now() + interval '10 years'`,
    created_at: at,
  }
  await keyturn.database.reader.insertInto('reminders').values(reminder).execute()
  return reminder.id
}

async function makeFailedMail(keyturn: Keyturn, org: string): Promise<string> {
  const at = sql<number>`now()`
  const id = newId('mail', Date.now())
  const said = { recipient: 'ada@example.com', subject: 'A test', text: 'A test', html: null, about: 'test' as const }
  const when = { queued_at: at, next_attempt_at: at, created_at: at }
  await keyturn.database.reader
    .insertInto('mails')
    .values({ ...said, ...when, id, organization_id: org, message_id: `<${id}@keyturn>`, state: 'failed' })
    .execute()
  return id
}

/** What is done to a new key before an operation wants it; null: nothing. */
const preparations: Readonly<Record<string, string | null>> = {
  'POST /v1/keys/{key}/secrets': null,
  'POST /v1/keys/{key}/claim-links': null,
  'POST /v1/keys/{key}/promote': 'secrets',
  'POST /v1/keys/{key}/finish': 'rotate',
  'POST /v1/keys/{key}/cancel': 'rotate',
}

/**
 * A key to call operations on, and what else they name.
 *
 * @param org id or slug, where the project is new
 * @param operation the one that it is for, and only what that one names; left out: any of them
 */
export async function makePlace(keyturn: Keyturn, org?: string, operation?: Operation): Promise<Place> {
  const organization = org ?? (await keyturn.createOrganization()).id
  const project = await keyturn.createProject(organization)
  const { key, secret } = await keyturn.createKey(project.id, { expires_in: 86_400, scopes: ['self:rotate'] })
  const post = async (path: string, body?: object) => {
    const answer = await keyturn.request('POST', path, body && { body })
    if (answer.status >= 300) throw new Error(`POST ${path} gave ${answer.status}: ${answer.text}`)
    return answer.body
  }
  const of = `/v1/organizations/${project.organization_id}`
  let channel: Promise<string> | undefined
  const webhook = () => {
    // Events of the tests are not for it.
    const wanted = { kind: 'webhook', url: 'https://hooks.invalid/keyturn', events: ['key.used_after_end'] }
    channel ??= post(`${of}/channels`, wanted).then((answer) => answer.channel.id)
    return channel
  }
  const makers: Readonly<Record<string, () => Promise<string>>> = {
    claim_link: async () => (await post(`/v1/keys/${key.id}/claim-links`)).id,
    feed_token: async () => (await post(`${of}/feed-tokens`, { name: 'Calendar', projects: [project.id] })).id,
    tracked_credential: async () => {
      const credential = { name: 'Stripe, webhooks', expires_at: '2029-01-01T00:00:00Z', project: project.id }
      return (await post(`${of}/tracked-credentials`, credential)).id
    },
    channel: () => webhook(),
    delivery: async () => makeDeadLetter(keyturn, project.organization_id, await webhook()),
    reminder: () => makeReminder(keyturn, key),
    mail: () => makeFailedMail(keyturn, project.organization_id),
    member: () => makeMember(keyturn, organization),
    invitation: async () => {
      const invited = { email: `invited-${++invitees}@example.com`, role: 'member' }
      return (await post(`${of}/invitations`, invited)).invitation.id
    },
  }
  const named = Object.entries(makers).filter(([name]) => !operation || operation.path.includes(`{${name}}`))
  const prepared = Object.entries(preparations).filter(([name]) => !operation || operation.name === name)
  const prepare = async (path: string | null) => {
    const { key: another } = await keyturn.createKey(project.id, { expires_in: 86_400 })
    if (path !== null) await post(`/v1/keys/${another.id}/${path}`)
    return another.id
  }
  const [made, instead] = await Promise.all([
    Promise.all(named.map(async ([name, make]) => [name, await make()] as const)),
    Promise.all(prepared.map(async ([name, path]) => [name, await prepare(path)] as const)),
  ])
  return {
    ...Object.fromEntries(made),
    org: project.organization_id,
    elsewhere: { org: project.organization_id, id: newId('organization', Date.now()) },
    project: project.id,
    key: key.id,
    ownValue: secret.value,
    insteadOf: { key: key.id, by: Object.fromEntries(instead) },
  }
}

/** What is on record though nothing changed. */
const ofReading = [
  'call.refused',
  'sign_in.refused',
  'audit.exported',
  'keys.exported',
  'expirations.exported',
  'organization.exported',
]

/** The length of all audit chains, but for what is only read or refused: as long as it stays, nothing has changed. Nothing ever takes an event away. */
export async function auditHeads(keyturn: Keyturn): Promise<unknown> {
  const heads = await keyturn.database.reader
    .selectFrom('audit_events')
    .select(['chain', (column) => column.fn.countAll<number>().as('events')])
    .where('action', 'not in', ofReading)
    .groupBy('chain')
    .orderBy('chain')
    .execute()
  return heads.map(({ chain, events }) => `${chain} ${events}`)
}

/** Whatever is done meanwhile changes nothing. */
export async function expectNothingChanged(keyturn: Keyturn, work: () => Promise<void>): Promise<void> {
  const before = await auditHeads(keyturn)
  await work()
  expect(await auditHeads(keyturn)).toEqual(before)
}
