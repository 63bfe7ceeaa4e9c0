import { type Kysely, sql } from 'kysely'

/**
 * Organizations, projects, keys, their secrets and use, the audit chains, the change feed, repeated answers.
 *
 * Ids and whatever is sorted by bytes are `collate "C"`, so that an order never depends on the locale a database was made with.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

/** The same indexes twice: for the keys of a project, and for those of an organization but for its management keys. */
function listIndexes(scope: 'project' | 'organization'): string[] {
  const visible = scope === 'organization' ? 'not management' : 'true'
  const index = (name: string, columns: string[], include = '', where = '') =>
    `create index keys_by_${scope}_${name} on keys (${scope}_id, ${columns.join(', ')}, id) ${include} where ${visible}${where}`
  // Two walks give the order by next expiry: keys by their first end, and those whose ends differ by their last. Each has the
  // other end with it, so that keys of the other walk are passed over without a look at the table.
  const byEnds = (...facet: string[]) => [
    index([...facet, 'first_end'].join('_'), [...facet, 'state', 'first_end_at'], 'include (last_end_at)'),
    index(
      [...facet, 'last_end'].join('_'),
      [...facet, 'state', 'last_end_at'],
      'include (first_end_at)',
      ' and first_end_at < last_end_at',
    ),
  ]
  return [
    ...byEnds(),
    ...byEnds('kind'),
    ...byEnds('owner'),
    index('name', ['state', 'name_key']),
    index('created', ['state', 'created_at']),
    `create index key_activity_by_${scope} on key_activity (${scope}_id, state, last_used_at, key_id) where ${visible}`,
  ]
}

const statements = [
  `create table installation (
    only_row boolean primary key default true check (only_row),
    master_key_check bytea not null,
    root_key_digest bytea,
    created_at timestamptz not null
  )`,

  `create table organizations (
    id text collate "C" primary key,
    slug text collate "C" not null constraint organizations_slug_is_free unique,
    name text not null,
    external_id text collate "C" constraint organizations_external_id_is_free unique,
    notification_email text,
    api_access boolean not null default true,
    policy jsonb not null,
    created_at timestamptz not null
  )`,

  `create table projects (
    id text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    slug text collate "C" not null,
    name text not null,
    external_id text collate "C",
    management boolean not null default false,
    api_access boolean not null default true,
    policy jsonb not null,
    created_at timestamptz not null,
    constraint projects_slug_is_free unique (organization_id, slug),
    constraint projects_external_id_is_free unique (organization_id, external_id)
  )`,
  'create unique index projects_one_for_management on projects (organization_id) where management',
  'create index projects_by_slug on projects (slug)',

  `create table keys (
    id text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    project_id text collate "C" not null references projects (id),
    management boolean not null,
    management_projects text[],
    kind text collate "C" not null check (kind in ('secret', 'publishable', 'jwt')),
    environment text collate "C" not null check (environment in ('live', 'test')),
    name text not null,
    name_key text collate "C" not null,
    purpose text,
    owner text collate "C",
    contact text,
    scopes text[] not null,
    allowed_ips text[] not null,
    metadata jsonb not null,
    state text collate "C" not null check (state in ('active', 'disabled', 'revoked', 'deleted')),
    legacy boolean not null,
    first_end_at timestamptz not null,
    last_end_at timestamptz not null,
    created_at timestamptz not null,
    created_by jsonb not null,
    last_action text not null,
    last_actor jsonb not null,
    last_action_at timestamptz not null,
    reviewed_at timestamptz,
    revoked_reason text,
    search tsvector not null,
    check (first_end_at <= last_end_at),
    check (not legacy or state = 'active')
  )`,
  'create unique index keys_one_legacy on keys (project_id) where legacy',
  'create index keys_by_search on keys using gin (search)',

  // A digest is unique over all organizations and for ever: the rows of revoked and deleted keys stay.
  `create table secrets (
    id text collate "C" primary key,
    key_id text collate "C" not null references keys (id),
    organization_id text collate "C" not null,
    slot text collate "C" not null check (slot in ('primary', 'secondary')),
    digest bytea not null constraint secrets_digest_is_unique unique,
    hint text not null,
    value text,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    retires_at timestamptz,
    ended_at timestamptz,
    ended_by text check (ended_by in ('revoke', 'rotate')),
    check ((ended_at is null) = (ended_by is null)),
    check (retires_at <= expires_at)
  )`,
  'create index secrets_by_key on secrets (key_id)',

  // Use lives apart from the keys: it is written every few seconds, and would rewrite every index of a key.
  `create table key_activity (
    key_id text collate "C" primary key references keys (id),
    organization_id text collate "C" not null,
    project_id text collate "C" not null,
    management boolean not null,
    state text collate "C" not null,
    last_used_at timestamptz not null
  )`,
  `create table secret_activity (
    secret_id text collate "C" primary key references secrets (id),
    last_used_at timestamptz not null
  )`,

  ...listIndexes('project'),
  ...listIndexes('organization'),

  `create table audit_heads (
    chain text collate "C" primary key,
    sequence bigint not null,
    hash bytea not null
  )`,
  `create table audit_events (
    chain text collate "C" not null,
    sequence bigint not null,
    hash bytea not null,
    body text not null,
    at text collate "C" not null generated always as (body::jsonb ->> 'at') stored,
    action text collate "C" not null generated always as (body::jsonb ->> 'action') stored,
    actor text collate "C" not null
      generated always as (coalesce(body::jsonb #>> '{actor,id}', body::jsonb #>> '{actor,type}')) stored,
    key_id text collate "C"
      generated always as (case when body::jsonb #>> '{target,type}' = 'key' then body::jsonb #>> '{target,id}' end) stored,
    project_id text collate "C" generated always as (body::jsonb ->> 'project_id') stored,
    primary key (chain, sequence)
  )`,
  'create index audit_events_by_time on audit_events (chain, at)',
  'create index audit_events_by_action on audit_events (chain, action, sequence)',
  'create index audit_events_by_actor on audit_events (chain, actor, sequence)',
  'create index audit_events_by_key on audit_events (chain, key_id, sequence) where key_id is not null',
  `create table audit_signatures (
    chain text collate "C" not null,
    sequence bigint not null,
    hash bytea not null,
    signature bytea not null,
    signed_at timestamptz not null,
    primary key (chain, sequence)
  )`,

  `create table change_feed_head (
    only_row boolean primary key default true check (only_row),
    sequence bigint not null
  )`,
  'insert into change_feed_head (sequence) values (0)',
  `create table change_feed (
    sequence bigint primary key,
    nonce uuid not null default gen_random_uuid(),
    changed_kind text collate "C" not null,
    changed_id text collate "C" not null
  )`,

  // What a transaction has changed. Rows live until its COMMIT, which turns them into audit events and changes of the feed.
  `create table outbox (
    id bigint generated always as identity primary key,
    transaction xid8 not null default pg_current_xact_id(),
    chain text collate "C",
    body text,
    changed_kind text collate "C",
    changed_id text collate "C",
    check ((chain is null) = (body is null)),
    check ((changed_kind is null) = (changed_id is null))
  )`,
  'create index outbox_by_transaction on outbox (transaction)',

  // Fires inside COMMIT, when nothing waits for the client any more: the locks on the heads, which every change needs, are
  // held for the length of this function alone. One call seals all rows of the transaction in one order (chains by name, then
  // the feed), so that two transactions never wait for each other; the calls for its other rows find nothing left to do.
  `create function seal_outbox() returns trigger language plpgsql as $$
  declare
    this_transaction constant xid8 := pg_current_xact_id();
    item record;
    head_chain text collate "C" := null;
    head_sequence bigint;
    head_hash bytea;
  begin
    for item in
      select id, chain, body from outbox where transaction = this_transaction and chain is not null order by chain, id
    loop
      if item.chain is distinct from head_chain then
        head_chain := item.chain;
        insert into audit_heads (chain, sequence, hash) values (head_chain, 0, decode(repeat('00', 32), 'hex'))
          on conflict do nothing;
        select sequence, hash into head_sequence, head_hash from audit_heads where chain = head_chain for update;
      end if;
      head_sequence := head_sequence + 1;
      head_hash := sha256(head_hash || convert_to(head_sequence::text || item.body, 'UTF8'));
      insert into audit_events (chain, sequence, hash, body) values (head_chain, head_sequence, head_hash, item.body);
      update audit_heads set sequence = head_sequence, hash = head_hash where chain = head_chain;
    end loop;
    for item in
      select id, changed_kind, changed_id from outbox
      where transaction = this_transaction and changed_kind is not null order by id
    loop
      update change_feed_head set sequence = sequence + 1 returning sequence into head_sequence;
      insert into change_feed (sequence, changed_kind, changed_id)
        values (head_sequence, item.changed_kind, item.changed_id);
    end loop;
    delete from outbox where transaction = this_transaction;
    return null;
  end $$`,
  `create constraint trigger seal_outbox after insert on outbox
    deferrable initially deferred for each row execute function seal_outbox()`,

  `create table idempotent_answers (
    caller text collate "C" not null,
    route text collate "C" not null,
    idempotency_key text collate "C" not null,
    body_digest bytea not null,
    status integer,
    answer text,
    sealed_answer bytea,
    created_at timestamptz not null,
    primary key (caller, route, idempotency_key)
  )`,
  'create index idempotent_answers_by_age on idempotent_answers (created_at)',
]
