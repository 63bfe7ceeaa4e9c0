import type pg from 'pg'
import { fillWithoutIndexes } from './without-indexes.ts'

/** The time at which the bench takes place: a fixed one, so that every run has the same keys in the same states. */
export const benchNow = Date.parse('2026-06-01T00:00:00Z')

/** The one owner with very many keys, and one of 60,000 with a handful. */
export const frequentOwner = 'platform@northwind.example'
export const rareOwner = 'user4711@northwind.example'

export interface SeedPlace {
  readonly organizationId: string
  /** Gets nine of ten keys. */
  readonly largeProjectId: string
  readonly smallProjectIds: readonly string[]
}

/** A million keys by SQL, of which every draw is a hash of its number: no two runs differ. */
export async function seed(client: pg.Client, place: SeedPlace, count: number): Promise<void> {
  await client.query(functions)
  const now = new Date(benchNow).toISOString()
  const places = [place.organizationId, place.largeProjectId, [...place.smallProjectIds]]
  await client.query(draws, [count, now, ...places])
  await fillWithoutIndexes(client, async () => {
    for (const statement of inserts) await client.query(statement)
  })
}

const digitOfId = (place: number) =>
  `substr('0123456789abcdefghjkmnpqrstvwxyz', 1 + ((milliseconds >> ${5 * place}) & 31)::int, 1)`

// u: evenly from 0 to 1; pick: one of a list; time_of_id: as newId makes them, so that ids are in the order of their making;
// words: as search-words.ts splits them.
const functions = `
  create function pg_temp.u(i bigint, salt bigint) returns float8 language sql immutable
    return (hashint8extended(i, salt) & 268435455)::float8 / 268435456;
  create function pg_temp.pick(list text[], i bigint, salt bigint) returns text language sql immutable
    return list[1 + floor(pg_temp.u(i, salt) * cardinality(list))::int];
  create function pg_temp.time_of_id(milliseconds bigint) returns text language sql immutable
    return ${[9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map(digitOfId).join(' || ')};
  create function pg_temp.words(of text) returns text[] language sql immutable
    return array_remove(regexp_split_to_array(lower(of), '[^a-z0-9]+'), '');
`

const vendors = `array['Salesforce','Zapier','Airflow','Grafana','Snowflake','Shopify','Stripe','Segment','HubSpot','Zendesk',
  'Looker','Tableau','Fivetran','Datadog','Jenkins','Terraform','Retool','Intercom','Marketo','NetSuite','Twilio','Braze',
  'Amplitude','Mixpanel','Workday','Okta','ServiceNow','Jira','Notion','Airtable']`
const roles = `array['sync','export','import','webhook','ingest','dashboard','backup','reporting','billing','alerts','mobile app',
  'checkout','partner portal','nightly job','data pipeline','support desk','inventory','pricing','forecast','audit']`
const heads = `array['Al','Bor','Cas','Dor','Ebro','Fen','Gal','Hol','Ister','Jor','Kal','Lor','Mer','Nor','Or','Pal','Quin','Ros',
  'Sar','Tor','Ul','Var','Wes','Xan','Yor','Zel']`
const tails = `array['tec','via','mont','land','ware','line','port','field','soft','bank','mart','works','gate','stone','wood',
  'ford','shire','burg','ville','ton','more','dale','ridge','crest','brook','haven','light','point','view','star']`

/**
 * Keys 700,000 to 750,000 are one import: never-expiring, never called, with a word of their own, and therefore all at one
 * far place of the order by next expiry. Every 25,000th key is for Zanzibar.
 */
const draws = `
  create temp table draws as
  with base as (
    select i, $2::timestamptz as now, i between 700001 and 750000 as imported,
      date_trunc('milliseconds', $2::timestamptz - interval '3 years' * (1 - i::float8 / ($1::int + 1))) as created_at,
      pg_temp.u(i, 1) as by_state, pg_temp.u(i, 2) as by_end, pg_temp.u(i, 3) as by_use, pg_temp.u(i, 4) as by_owner,
      pg_temp.u(i, 5) < 0.9 as large, 1 + floor(pg_temp.u(i, 6) * cardinality($5::text[]))::int as small,
      pg_temp.u(i, 7) as by_kind, pg_temp.u(i, 8) as by_second, pg_temp.u(i, 9) as spread
    from generate_series(1, $1::int) as i
  ), described as (
    select *,
      'key_' || pg_temp.time_of_id(floor(extract(epoch from created_at) * 1000)::bigint) || substr(md5('k' || i), 1, 16) as id, $3::text as organization_id,
      case when large or imported then $4::text else ($5::text[])[small] end as project_id,
      case when imported or by_state < 0.80 then 'active' when by_state < 0.86 then 'disabled'
        when by_state < 0.98 then 'revoked' else 'deleted' end as state,
      case when imported then 'secret'
        when large then case when by_kind < 0.0005 then 'publishable' when by_kind < 0.03 then 'jwt' else 'secret' end
        when small % 2 = 0 and by_kind < 0.6 or by_kind < 0.01 then 'publishable' else 'secret' end as kind,
      case when pg_temp.u(i, 10) < 0.8 then 'live' else 'test' end as environment,
      case when by_owner < 0.3 then '${frequentOwner}' when by_owner < 0.4 then null
        else 'user' || floor(pg_temp.u(i, 11) * 60000)::int || '@northwind.example' end as owner,
      case when imported then 'Helios import ' || i
        else pg_temp.pick(${vendors}, i, 12) || ' '
          || case when pg_temp.u(i, 13) < 0.01 then 'ledger' else pg_temp.pick(${roles}, i, 14) end
          || case when pg_temp.u(i, 15) < 0.6 then
               ' for ' || pg_temp.pick(${heads}, i, 16) || pg_temp.pick(${tails}, i, 17) else '' end
          || case when i % 25000 = 7 then ' Zanzibar' else '' end
          || case when pg_temp.u(i, 18) < 0.45 then ', production' when pg_temp.u(i, 18) < 0.7 then ', staging'
               when pg_temp.u(i, 18) < 0.8 then ', sandbox' else '' end end as name,
      case when pg_temp.u(i, 19) < 0.4 then 'Moves orders and customers between both systems, every night' end as purpose,
      case when imported or by_end < 0.12 then 'infinity'::timestamptz
        when by_end < 0.30 then (array['2025-12-31', '2026-06-30', '2026-12-31', '2027-12-31'])
          [1 + floor(pg_temp.u(i, 20) * 4)::int]::timestamptz
        else created_at + interval '1 day' * ((array[90, 365, 730, 1095])[1 + floor(pg_temp.u(i, 21) * 4)::int])
          + interval '1 hour' * floor(spread * 24) end as wanted_end
    from base
  ), ended as (
    select *, case when state in ('revoked', 'deleted')
      then created_at + spread * (least(greatest(wanted_end, created_at), now) - created_at)
      else greatest(wanted_end, created_at + interval '1 day') end as last_end_at
    from described
  ), two as (
    select *, by_second < 0.1 and not imported and state in ('active', 'disabled') as rotating from ended
  )
  select *,
    date_trunc('milliseconds', last_end_at) as last_end,
    date_trunc('milliseconds', case when not rotating then last_end_at
      when by_second < 0.04 and last_end_at > now then greatest(created_at, now - interval '20 days' * spread)
      when last_end_at = 'infinity' then now + interval '1 day' + interval '29 days' * spread
      else greatest(created_at, last_end_at - interval '1 day' - interval '29 days' * spread) end) as first_end,
    date_trunc('milliseconds', case when imported or by_use < 0.3 then '-infinity'
      when by_use < 0.7 then greatest(created_at, now - interval '30 days' * spread)
      when by_use < 0.9 then greatest(created_at, now - interval '30 days' - interval '370 days' * spread)
      else greatest(created_at, now - interval '400 days' - interval '500 days' * spread) end) as used_at,
    'kt_' || case when kind = 'publishable' then 'pub_' else '' end || environment || '_'
      || translate(substr(md5('a' || i), 1, 4), '0123', 'WXYZ') || '…' || translate(substr(md5('b' || i), 1, 4), '0123', 'WXYZ')
      as hint,
    'kt_' || environment || '_' || translate(substr(md5('c' || i), 1, 4), '0123', 'WXYZ') || '…'
      || translate(substr(md5('d' || i), 1, 4), '0123', 'WXYZ') as second_hint
  from two
`

const wholes = (hint: string) => `array[replace(lower(${hint}), '…', '...')]`
const words = (hint: string) => `array[lower(right(${hint}, 4))]`

const keys = `
  insert into keys (id, organization_id, project_id, management, management_projects, kind, environment, name, name_key, purpose,
    owner, contact, scopes, allowed_ips, metadata, state, legacy, first_end_at, last_end_at, created_at, created_by, last_action,
    last_actor, last_action_at, reviewed_at, revoked_reason, search)
  select id, organization_id, project_id, false, null, kind, environment, name, lower(name), purpose,
    owner, case when by_owner < 0.5 then 'integrations@northwind.example' end, array['orders:read', 'customers:read'], '{}',
    '{"tier": "standard"}', state, false, first_end, last_end, created_at, actor,
    case state when 'active' then 'key.created' when 'disabled' then 'key.disabled' when 'revoked' then 'key.revoked'
      else 'key.deleted' end, actor, created_at, null, case when state = 'revoked' then 'No longer in use' end,
    array_to_tsvector((select array_agg(right(organization_id, 16) || word) from (
      select '/' || unnest(pg_temp.words(name) || pg_temp.words(coalesce(purpose, '')) || pg_temp.words(coalesce(owner, ''))
        || ${words('hint')} || case when rotating then ${words('second_hint')} else '{}' end) as word
      union all select '=' || unnest(array[id] || case when owner is null then '{}' else array[owner] end
        || ${wholes('hint')} || case when rotating then ${wholes('second_hint')} else '{}' end)) as all_words))
  from draws, (select '{"type": "root_key", "id": null, "name": "Root key"}'::jsonb as actor) as by
  order by i
`

const secretId = `'sec_' || right(id, 26)`
const secondSecretId = `'sec_' || substr(id, 5, 10) || substr(md5('s' || i), 1, 16)`

const inserts = [
  keys,
  `insert into key_activity (key_id, organization_id, project_id, management, state, last_used_at)
   select id, organization_id, project_id, false, state, used_at from draws order by i`,
  `insert into secrets (id, key_id, organization_id, slot, digest, hint, value, created_at, expires_at, retires_at, ended_at, ended_by)
   select ${secretId}, id, organization_id, 'primary', sha256(convert_to('a' || i, 'UTF8')), hint,
     case when kind = 'publishable' then hint end, created_at, last_end, null,
     case when state in ('revoked', 'deleted') then last_end end, case when state in ('revoked', 'deleted') then 'revoke' end
   from draws order by i`,
  `insert into secrets (id, key_id, organization_id, slot, digest, hint, value, created_at, expires_at, retires_at, ended_at, ended_by)
   select ${secondSecretId}, id, organization_id, 'secondary', sha256(convert_to('b' || i, 'UTF8')), second_hint,
     null, created_at, last_end, first_end, null, null
   from draws where rotating order by i`,
  `insert into secret_activity (secret_id, last_used_at)
   select ${secretId}, used_at from draws
   union all select ${secondSecretId}, used_at from draws where rotating`,
  'drop table draws',
]
