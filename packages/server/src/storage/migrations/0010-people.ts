import { type Kysely, sql } from 'kysely'

/**
 * People, how they sign in, and what they may do where. `people`, `accounts`, `sessions`, `verifications` and `two_factors` are
 * better-auth's tables under our names; what it writes there becomes audit events in the very statement that writes it.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const statements = [
  `create table people (
    id text collate "C" primary key,
    name text not null,
    email text collate "C" not null constraint people_email_is_free unique,
    email_verified boolean not null default false,
    image text,
    two_factor_enabled boolean not null default false,
    created_at timestamptz not null,
    updated_at timestamptz not null
  )`,
  `create table accounts (
    id text collate "C" primary key,
    person_id text collate "C" not null references people (id) on delete cascade,
    account_id text collate "C" not null,
    provider_id text collate "C" not null,
    password text,
    access_token text,
    refresh_token text,
    id_token text,
    access_token_expires_at timestamptz,
    refresh_token_expires_at timestamptz,
    scope text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    unique (provider_id, account_id)
  )`,
  'create index accounts_by_person on accounts (person_id)',

  // pending: between password and second factor. Nobody holds it, and it opens nothing.
  // organization_id: a session that a product gave, which holds in that organization alone.
  `create table sessions (
    id text collate "C" primary key,
    token text collate "C" not null unique,
    person_id text collate "C" not null references people (id) on delete cascade,
    organization_id text collate "C" references organizations (id),
    pending boolean not null default false,
    ip_address text,
    user_agent text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    expires_at timestamptz not null
  )`,
  'create index sessions_by_person on sessions (person_id)',
  'create index sessions_by_end on sessions (expires_at)',
  `create table verifications (
    id text collate "C" primary key,
    identifier text collate "C" not null,
    value text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    expires_at timestamptz not null
  )`,
  'create index verifications_by_identifier on verifications (identifier)',
  'create index verifications_by_end on verifications (expires_at)',
  `create table two_factors (
    id text collate "C" primary key,
    person_id text collate "C" not null references people (id) on delete cascade,
    secret text not null,
    backup_codes text not null,
    verified boolean not null default true,
    failed_verification_count integer not null default 0,
    locked_until timestamptz
  )`,
  'create index two_factors_by_person on two_factors (person_id)',

  // via portal: the role was given by a product, and holds in sessions that the product gave.
  `create table members (
    organization_id text collate "C" not null references organizations (id),
    person_id text collate "C" not null references people (id),
    role text collate "C" check (role in ('owner', 'admin', 'manager', 'member', 'auditor')),
    via text collate "C" not null check (via in ('set_up', 'invitation', 'portal')),
    joined_at timestamptz not null,
    primary key (organization_id, person_id)
  )`,
  'create index members_by_person on members (person_id)',
  `create table member_projects (
    organization_id text collate "C" not null,
    person_id text collate "C" not null,
    project_id text collate "C" not null references projects (id),
    role text collate "C" not null check (role in ('admin', 'manager', 'member', 'auditor')),
    primary key (organization_id, person_id, project_id),
    foreign key (organization_id, person_id) references members (organization_id, person_id) on delete cascade
  )`,

  `create table invitations (
    id text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    email text collate "C" not null,
    role text collate "C" check (role in ('owner', 'admin', 'manager', 'member', 'auditor')),
    projects jsonb not null,
    token_digest bytea not null unique,
    mailed boolean not null default false,
    created_by jsonb not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    accepted_at timestamptz,
    withdrawn_at timestamptz
  )`,
  `create unique index invitations_one_open on invitations (organization_id, email)
    where accepted_at is null and withdrawn_at is null`,

  `create table portal_links (
    id text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    person_id text collate "C" not null references people (id),
    token_digest bytea not null unique,
    session_seconds integer not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
  )`,
  'create index portal_links_by_end on portal_links (expires_at)',

  // Who tried to sign in how often, by account and by address. Nothing of it is a fact about anybody.
  `create table sign_in_attempts (
    bucket text collate "C" primary key,
    count integer not null,
    since timestamptz not null
  )`,
  'create index sign_in_attempts_by_age on sign_in_attempts (since)',

  // Whoever was shown the value of a secret: what somebody takes along when they leave.
  `create table secret_views (
    secret_id text collate "C" not null references secrets (id),
    viewer text collate "C" not null,
    key_id text collate "C" not null,
    organization_id text collate "C" not null,
    shown_at timestamptz not null,
    primary key (secret_id, viewer)
  )`,
  'create index secret_views_by_viewer on secret_views (organization_id, viewer)',
  `create index keys_by_creator on keys (organization_id, (created_by ->> 'id')) where created_by ->> 'type' = 'member'`,

  // One refused call of a caller, by code and minute: what a flood of them leaves behind is bounded.
  `create table refused_calls (
    caller text collate "C" not null,
    code text collate "C" not null,
    minute timestamptz not null,
    primary key (caller, code, minute)
  )`,
  'create index refused_calls_by_age on refused_calls (minute)',

  // An event about a person, in the chain of each organization that they belong to; of a session that a product gave, in that
  // organization's alone; of whoever belongs to none, in the installation's. Who did it is the person, unless the transaction
  // says otherwise (keyturn.actor), as where an administrator ends somebody's sessions.
  `create function record_person_event(
    person text, action text, happened_at timestamptz, address text, only_organization text, before json, after json
  ) returns void language plpgsql as $$
  declare
    subject people%rowtype;
    actor json := nullif(current_setting('keyturn.actor', true), '')::json;
    request text := nullif(current_setting('keyturn.request', true), '');
  begin
    select * into subject from people where id = person;
    insert into outbox (chain, body)
      select coalesce(place.organization_id, 'installation'), json_build_object(
        'at', to_char(happened_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'action', action,
        'actor', coalesce(actor, json_build_object('type', 'member', 'id', subject.id, 'name', subject.name)),
        'organization_id', place.organization_id,
        'project_id', null,
        'target', json_build_object('type', 'person', 'id', subject.id, 'name', subject.name),
        'before', before,
        'after', after,
        'address', nullif(address, ''),
        'request_id', request
      )::text
      from (
        select only_organization as organization_id where only_organization is not null
        union
        select organization_id from members where person_id = person and only_organization is null
        union
        select null where only_organization is null and not exists (select from members where person_id = person)
      ) as place;
  end $$`,

  `create function audit_sessions() returns trigger language plpgsql as $$
  begin
    if tg_op = 'INSERT' then
      if not new.pending then
        perform record_person_event(new.person_id, 'person.signed_in', new.created_at, new.ip_address, new.organization_id,
          null, json_build_object('session', new.id, 'by', case when new.organization_id is null then 'password' else 'portal' end,
            'expires_at', to_char(new.expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')));
      end if;
    elsif not old.pending and old.expires_at > clock_timestamp() then
      perform record_person_event(old.person_id, 'person.signed_out', clock_timestamp(), old.ip_address, old.organization_id,
        json_build_object('session', old.id), null);
    end if;
    return null;
  end $$`,
  'create trigger audit_sessions after insert or delete on sessions for each row execute function audit_sessions()',

  `create function audit_people() returns trigger language plpgsql as $$
  begin
    if old.two_factor_enabled <> new.two_factor_enabled then
      perform record_person_event(new.id,
        case when new.two_factor_enabled then 'person.two_factor_enabled' else 'person.two_factor_disabled' end,
        clock_timestamp(), null, null, json_build_object('two_factor', old.two_factor_enabled),
        json_build_object('two_factor', new.two_factor_enabled));
    end if;
    return null;
  end $$`,
  'create trigger audit_people after update on people for each row execute function audit_people()',

  `create function audit_accounts() returns trigger language plpgsql as $$
  begin
    if old.password is distinct from new.password then
      perform record_person_event(new.person_id, 'person.password_changed', clock_timestamp(), null, null, null, null);
    end if;
    return null;
  end $$`,
  'create trigger audit_accounts after update on accounts for each row execute function audit_accounts()',

  `create function audit_two_factors() returns trigger language plpgsql as $$
  begin
    if new.verified and old.verified and old.backup_codes <> new.backup_codes then
      perform record_person_event(new.person_id, 'person.recovery_codes_changed', clock_timestamp(), null, null, null, null);
    end if;
    return null;
  end $$`,
  'create trigger audit_two_factors after update on two_factors for each row execute function audit_two_factors()',
]
