import { type Kysely, sql } from 'kysely'

/** Where an organization is told of events: webhooks and team mailboxes; and every delivery to a webhook, which is a queue and a log. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const statements = [
  `create table channels (
    id text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    kind text collate "C" not null check (kind in ('webhook', 'email')),
    url text,
    address text,
    events text[],
    enabled boolean not null default true,
    disabled_reason text check (disabled_reason in ('receiver_gone')),
    sealed_secret bytea,
    old_sealed_secret bytea,
    old_secret_until timestamptz,
    created_at timestamptz not null,
    created_by jsonb not null,
    check ((kind = 'webhook') = (url is not null)),
    check ((kind = 'webhook') = (sealed_secret is not null)),
    check ((kind = 'email') = (address is not null)),
    check ((old_sealed_secret is null) = (old_secret_until is null)),
    check (disabled_reason is null or not enabled)
  )`,
  'create index channels_by_organization on channels (organization_id, id)',

  `create table deliveries (
    id text collate "C" primary key,
    organization_id text collate "C" not null,
    channel_id text collate "C" not null references channels (id) on delete cascade,
    type text not null,
    event_sequence bigint,
    payload text not null,
    state text collate "C" not null default 'pending' check (state in ('pending', 'delivered', 'dead')),
    attempts integer not null default 0,
    tries integer not null default 0,
    next_attempt_at timestamptz not null,
    leased_until timestamptz,
    created_at timestamptz not null,
    finished_at timestamptz,
    log jsonb not null default '[]',
    constraint deliveries_once_each unique (channel_id, event_sequence),
    check ((state = 'pending') = (finished_at is null))
  )`,
  // What waits, by whom it waits for: a receiver with a long queue is one step of the walk over them all.
  `create index deliveries_waiting on deliveries (channel_id, next_attempt_at) where state = 'pending'`,
  'create index deliveries_by_channel on deliveries (channel_id, id)',
  // For the metric that counts them.
  `create index deliveries_dead on deliveries (channel_id) where state = 'dead'`,
  `create index deliveries_finished on deliveries (finished_at) where state <> 'pending'`,
]
