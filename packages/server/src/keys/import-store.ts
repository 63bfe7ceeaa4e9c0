import type { Actor, Environment, JsonObject, KeyKind, Quota, RateLimit } from '@keyturn/contract'
import { sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Reader, Tx } from '../storage/database.ts'
import { at, instantText, TextArray } from '../storage/driver-values.ts'
import type { KnownSecret } from './import-rows.ts'
import type { KeyState } from './key.ts'
import { nameKeyOf } from './name-advice.ts'

/** Whose they are, by digest in hex; of every organization, ended and deleted ones too. */
export async function findKnownSecrets(
  reader: Reader,
  digests: readonly Uint8Array[],
  now: Instant,
): Promise<Map<string, KnownSecret>> {
  const { rows } = await sql<KnownSecret & { digest: string }>`
    select encode(s.digest, 'hex') as digest, s.key_id as "keyId", s.hint, k.name, k.project_id as "projectId",
      s.organization_id as "organizationId",
      k.state in ('active', 'disabled') and least(s.expires_at, s.retires_at, s.ended_at) > ${at(now)} as "isLive"
    from unnest(${digests.map(hex)}::text[]) as wanted
    -- One look into the index for each: joined at the planner's choice, all secrets were read and hashed to find ten thousand.
    cross join lateral (select * from secrets where digest = decode(wanted, 'hex') offset 0) as s
    join keys k on k.id = s.key_id`.execute(reader)
  return new Map(rows.map(({ digest, ...known }) => [digest, known]))
}

/** A key with its first secret, which is all that it has. */
export interface NewImported {
  readonly keyId: string
  readonly projectId: string
  readonly kind: KeyKind
  readonly environment: Environment
  readonly name: string
  readonly purpose: string | null
  readonly owner: string | null
  readonly contact: string | null
  readonly scopes: readonly string[]
  readonly allowedIps: readonly string[]
  readonly metadata: JsonObject
  readonly rateLimit: RateLimit | null
  readonly quota: Quota | null
  readonly state: KeyState
  readonly expiresAt: Instant
  readonly secretId: string
  readonly digest: Uint8Array
  readonly hint: string
  /** Of a publishable one alone. */
  readonly value: string | null
  /** Whoever imports it knows its value. */
  readonly seen: boolean
  readonly searchLexemes: readonly string[]
}

// No lexeme has a control character in it.
const between = '\n'

/**
 * Keys of one organization and one moment, in one statement: what is the same for all of them is sent once.
 *
 * @throws a violation of `secrets_digest_is_unique` where somebody else has made one of them meanwhile
 */
export async function insertImported(
  tx: Tx,
  organizationId: string,
  made: { readonly at: Instant; readonly by: Actor },
  keys: readonly NewImported[],
): Promise<void> {
  const each = (read: (key: NewImported) => string | null) => sql`${new TextArray(keys.map(read))}::text[]`
  const json = (value: unknown) => (value === null ? null : JSON.stringify(value))
  // Columns rather than records: PostgreSQL reads an array in a fraction of the time that JSON takes it.
  await sql`
    with sent as materialized (
      select * from unnest(
        ${each((key) => key.keyId)}, ${each((key) => key.projectId)}, ${each((key) => key.kind)}, ${each((key) => key.environment)},
        ${each((key) => key.name)}, ${each((key) => nameKeyOf(key.name))}, ${each((key) => key.purpose)}, ${each((key) => key.owner)},
        ${each((key) => key.contact)}, ${each((key) => key.scopes.join(' '))}, ${each((key) => key.allowedIps.join(' '))},
        ${each((key) => json(key.metadata))}, ${each((key) => json(key.rateLimit))}, ${each((key) => json(key.quota))},
        ${each((key) => key.state)}, ${each((key) => instantText(key.expiresAt))}, ${each((key) => key.searchLexemes.join(between))},
        ${each((key) => key.secretId)}, ${each((key) => hex(key.digest))}, ${each((key) => key.hint)}, ${each((key) => key.value)},
        ${each((key) => (key.seen ? 'seen' : null))}
      ) as r (id, project, kind, env, name, folded, purpose, owner, contact, scopes, ips, meta, rate, quota, state, ends, words, secret, digest,
        hint, value, seen)
    ), made_keys as (
      insert into keys (id, organization_id, project_id, management, kind, environment, name, name_key, purpose, owner, contact, scopes,
        allowed_ips, metadata, rate_limit, quota, state, legacy, first_end_at, last_end_at, created_at, created_by, last_action, last_actor, last_action_at, search,
        primary_made_at)
      select id, ${organizationId}, project, false, kind, env, name, folded, purpose, owner, contact, string_to_array(scopes, ' '),
        string_to_array(ips, ' '), meta::jsonb, rate::jsonb, quota::jsonb, state, false, ends::timestamptz, ends::timestamptz,
        ${at(made.at)}, ${JSON.stringify(made.by)}::jsonb, 'key.imported', ${JSON.stringify(made.by)}::jsonb, ${at(made.at)},
        array_to_tsvector(string_to_array(words, ${between})), ${at(made.at)}
      from sent
    ), made_activity as (
      insert into key_activity (key_id, organization_id, project_id, management, state, last_used_at)
      select id, ${organizationId}, project, false, state, '-infinity' from sent
    ), made_secrets as (
      insert into secrets (id, key_id, organization_id, slot, digest, hint, value, created_at, expires_at)
      select secret, id, ${organizationId}, 'primary', decode(digest, 'hex'), hint, value, ${at(made.at)}, ends::timestamptz from sent
    ), made_views as (
      insert into secret_views (secret_id, organization_id, key_id, viewer, shown_at)
      select secret, ${organizationId}, id, ${made.by.id ?? made.by.type}, ${at(made.at)} from sent where seen is not null
    )
    insert into secret_activity (secret_id, last_used_at) select secret, '-infinity' from sent`.execute(tx)
}

const hex = (digest: Uint8Array) => Buffer.from(digest).toString('hex')
