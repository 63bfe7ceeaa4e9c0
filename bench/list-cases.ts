import { type KeySort, type KeyStatus, keyKinds, keySorts, keyStatuses } from '@keyturn/contract'
import type { KeyListQuery } from '../packages/server/src/keys/key-list.ts'
import { benchNow, frequentOwner, rareOwner } from './list-seed.ts'

export const pageSize = 50
export const deepPage = 10_000

export interface ListCase {
  readonly group: string
  readonly name: string
  readonly query: KeyListQuery
  /** Outside of the promise, and here to show what it costs. */
  readonly adverse: boolean
  /** The same filter in plain SQL over `keys k`, `key_activity a` and `now`. */
  readonly condition: string
}

const plain: KeyListQuery = { status: ['active', 'disabled', 'expired'], sort: 'next_expiry_at', limit: pageSize }
const status = `case when k.state = 'active' then case when k.last_end_at > now then 'active' else 'expired' end else k.state end`
const statusIn = (statuses: readonly KeyStatus[]) => `${status} in (${statuses.map((one) => `'${one}'`).join(', ')})`
const text = `lower(k.name || ' ' || coalesce(k.purpose, '') || ' ' || coalesce(k.owner, ''))`
const words = (...starts: string[]) => starts.map((start) => `${text} ~ '\\m${start}'`).join(' and ')
const days = (count: number) => count * 86_400

const filter = (
  group: string,
  name: string,
  query: Partial<KeyListQuery>,
  condition: string,
  statuses = plain.status,
): ListCase => ({
  group,
  name,
  adverse: false,
  query: { ...plain, ...query },
  condition: `${statusIn(statuses)} and ${condition}`,
})

/** @param sample a key by whose id and hint others are looked for */
export function listCases(sample: { id: string; hint: string }): ListCase[] {
  const sorts = keySorts.flatMap((sort: KeySort) => [sort, `-${sort}` as const])
  const nextExpiry = 'case when k.first_end_at > now then k.first_end_at else k.last_end_at end'
  const q = (name: string, typed: string, condition: string) => filter('q', name, { q: typed }, condition)
  return [
    ...sorts.map((sort) => filter('sort', sort, { sort }, 'true')),
    ...keyStatuses.map((one) => filter('status', one, { status: [one] }, 'true', [one])),
    ...keyKinds.map((kind) => filter('kind', kind, { kind: [kind] }, `k.kind = '${kind}'`)),
    ...[frequentOwner, rareOwner].map((owner) => filter('owner', owner, { owner }, `k.owner = '${owner}'`)),
    q('frequent word', 'Production', words('production')),
    q('word of 1 %', 'ledger', words('ledger')),
    q('rare word', 'zanzibar', words('zanzibar')),
    q('three words', 'salesforce sync production', words('salesforce', 'sync', 'production')),
    q('starts of words', 'sal led', words('sal', 'led')),
    { ...q('two frequent words that never meet', 'production staging', words('production', 'staging')), adverse: true },
    q('one letter', 'p', words('p')),
    q('no such word', 'xylophone', 'false'),
    q('start of an id', sample.id.slice(0, 10), `starts_with(k.id, '${sample.id.slice(0, 10)}')`),
    q('an id', sample.id, `k.id = '${sample.id}'`),
    q('a hint', sample.hint, `k.id in (select key_id from secrets where hint = '${sample.hint}')`),
    { ...q('word of 50,000 that all end last', 'helios', words('helios')), adverse: true },
    ...[30, 365].flatMap((count) => [
      filter(
        'expires_before',
        `${count}d`,
        { expires_before: days(count) },
        `${nextExpiry} < now + interval '${count} days'`,
      ),
      filter(
        'expires_after',
        `${count}d`,
        { expires_after: days(count) },
        `${nextExpiry} > now + interval '${count} days'`,
      ),
    ]),
    ...[30, 400].map((count) =>
      filter(
        'unused_since',
        `${count}d`,
        { unused_since: days(count) },
        `a.last_used_at < now - interval '${count} days'`,
      ),
    ),
  ]
}

/** For a caller that reaches only some projects. */
export function reachCases(): ListCase[] {
  return [
    filter('sort', 'next_expiry_at', {}, 'true'),
    filter('sort', '-last_used_at', { sort: '-last_used_at' }, 'true'),
    filter('kind', 'publishable', { kind: ['publishable'] }, `k.kind = 'publishable'`),
    filter('q', 'frequent word', { q: 'Production' }, words('production')),
    filter('unused_since', '400d', { unused_since: days(400) }, `a.last_used_at < now - interval '400 days'`),
  ]
}

/** The first and the deep page, and the row before that, by sorting all that match. */
export function naiveQuery(one: ListCase, scope: string): string {
  const sort = keySorts.find((candidate) => one.query.sort.endsWith(candidate)) ?? 'next_expiry_at'
  const direction = one.query.sort.startsWith('-') ? 'desc' : 'asc'
  const place = {
    next_expiry_at: 'case when k.first_end_at > now then k.first_end_at else k.last_end_at end',
    created_at: 'k.created_at',
    last_used_at: 'a.last_used_at',
    name: 'k.name_key',
  }[sort]
  return `
    with listed as (
      select k.id, ${sort === 'next_expiry_at' ? 'k.last_end_at <= now' : 'false'} as ended, ${place} as place
      from keys k join key_activity a on a.key_id = k.id, (select '${new Date(benchNow).toISOString()}'::timestamptz as now) as t
      where ${scope} and k.state <> 'deleted' and not k.management and ${one.condition}
    ), numbered as (
      select *, row_number() over (order by ended ${direction}, place ${direction}, id ${direction}) as n,
        count(*) over () as total
      from listed
    ), paged as (
      select *, least(${deepPage}, greatest(1, (total + ${pageSize - 1}) / ${pageSize})) as deep_page from numbered
    )
    select id, ended, place::text, n::int, total::int, deep_page::int from paged
    where n <= ${pageSize} or n between (deep_page - 1) * ${pageSize} and deep_page * ${pageSize}
    order by n`
}
