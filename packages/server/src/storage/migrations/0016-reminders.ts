import { type Kysely, sql } from 'kysely'

/** Who is told what of keys and tracked credentials, and what is to be looked at when. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const watch = (name: string, body: string) => `create function ${name}() returns trigger language plpgsql as $$
  begin
    ${body}
    return null;
  end $$`

const again = `on conflict (subject_id) do update set next_at = '-infinity';`

// Whatever changes an end, by whichever way, has it looked at again: in the transaction that changes it. With it the other secrets of its
// key, of which another one may now be the primary.
const lookAtKey = `insert into reminder_progress (subject_id, organization_id, next_at)
      select id, organization_id, '-infinity' from secrets
      where key_id = new.key_id and (ended_at is null or id = new.id) order by id ${again}`
const lookAtCredential = `insert into reminder_progress (subject_id, organization_id, next_at)
      values (new.id, new.organization_id, '-infinity') ${again}`

// After a change of rules. A row of each organization, and not of all its keys: the change does not wait for them.
const sweep = (organizationId: string) => `insert into reminder_sweeps (organization_id, after_subject)
      values (${organizationId}, '') on conflict (organization_id) do update set after_subject = '';`

const statements = [
  `alter table organizations add column time_zone text not null default 'UTC', 
    add column review_look_at timestamptz not null default '-infinity'`,
  'alter table people add column time_zone text',

  // A secret or tracked credential, and when something about it is to be told next: a run touches what is due and nothing else.
  `create table reminder_progress (
    subject_id text collate "C" primary key,
    organization_id text collate "C" not null,
    next_at timestamptz not null
  ) with (fillfactor = 80)`,
  `create index reminder_progress_due on reminder_progress (next_at) where next_at < 'infinity'`,
  'create index reminder_progress_by_organization on reminder_progress (organization_id, subject_id)',

  // An organization whose rules were changed: all of it is looked at again, a part at a time.
  `create table reminder_sweeps (
    organization_id text collate "C" primary key,
    after_subject text collate "C" not null
  )`,

  // What was told, or is going to be, to whom: the log of deliveries, and the queue of the digests.
  `create table reminders (
    id text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    project_id text collate "C",
    key_id text collate "C",
    subject_id text collate "C" not null,
    reason text collate "C" not null,
    ends_at timestamptz not null,
    threshold_seconds bigint not null,
    channel text collate "C" not null,
    recipient text collate "C" not null,
    state text collate "C" not null,
    urgent boolean not null,
    failure text,
    send_at timestamptz not null,
    mail_id text collate "C",
    sent_at timestamptz,
    created_at timestamptz not null,
    constraint reminders_are_told_once unique (subject_id, reason, ends_at, threshold_seconds, channel, recipient)
  )`,
  `create index reminders_due on reminders (send_at, organization_id, recipient) where state = 'planned' and mail_id is null`,
  'create index reminders_by_organization on reminders (organization_id, id)',
  'create index reminders_by_key on reminders (key_id, id) where key_id is not null',
  'create index reminders_by_mail on reminders (mail_id) where mail_id is not null',

  `create table reminder_acknowledgements (
    subject_id text collate "C" not null,
    ends_at timestamptz not null,
    organization_id text collate "C" not null,
    acknowledged_at timestamptz not null,
    acknowledged_by jsonb not null,
    primary key (subject_id, ends_at)
  )`,

  // What was done to keys, until it goes in one mail.
  `create table key_notices (
    id text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    recipient text collate "C" not null,
    event_sequence bigint not null,
    body text not null,
    created_at timestamptz not null,
    unique (organization_id, recipient, event_sequence)
  )`,
  'create index key_notices_by_age on key_notices (created_at)',

  "create index secret_activity_by_refusal on secret_activity (last_refused_at) where last_refused_at > '-infinity'",

  // What has ended before is history: an upgrade announces nothing.
  `insert into reminder_progress (subject_id, organization_id, next_at)
    select id, organization_id, '-infinity' from secrets
    where ended_at is null and least(expires_at, retires_at) > clock_timestamp()`,
  `insert into reminder_progress (subject_id, organization_id, next_at)
    select id, organization_id, '-infinity' from tracked_credentials
    where deleted_at is null and expires_at > clock_timestamp()`,

  watch('watch_secret', lookAtKey),
  watch('watch_credential', lookAtCredential),
  `create trigger secrets_are_watched after insert on secrets for each row execute function watch_secret()`,
  `create trigger secret_ends_are_watched after update of expires_at, retires_at, ended_at on secrets for each row
    when ((new.expires_at, new.retires_at, new.ended_at) is distinct from (old.expires_at, old.retires_at, old.ended_at))
    execute function watch_secret()`,
  `create trigger credentials_are_watched after insert on tracked_credentials for each row execute function watch_credential()`,
  `create trigger credential_ends_are_watched after update of expires_at, deleted_at on tracked_credentials for each row
    when ((new.expires_at, new.deleted_at) is distinct from (old.expires_at, old.deleted_at)) execute function watch_credential()`,

  watch('sweep_organization', sweep('new.organization_id')),
  watch('sweep_own_organization', sweep('new.id')),
  `create trigger project_rules_are_watched after update of policy_revision on projects for each row
    when (new.policy_revision <> old.policy_revision) execute function sweep_organization()`,
  `create trigger organization_rules_are_watched after update of policy_revision on organizations for each row
    when (new.policy_revision <> old.policy_revision) execute function sweep_own_organization()`,
]
