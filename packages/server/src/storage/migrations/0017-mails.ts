import { type Kysely, sql } from 'kysely'

/** Mails that wait for the SMTP server, and those that it took or refused. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const statements = [
  `create table mails (
    id text collate "C" primary key,
    organization_id text collate "C" not null references organizations (id),
    recipient text collate "C" not null,
    subject text not null,
    text text not null,
    html text,
    message_id text collate "C" not null,
    about text collate "C" not null,
    state text collate "C" not null,
    attempts integer not null default 0,
    queued_at timestamptz not null,
    next_attempt_at timestamptz not null,
    leased_until timestamptz,
    last_error text,
    created_at timestamptz not null,
    sent_at timestamptz
  )`,
  `create index mails_queued on mails (next_attempt_at) where state = 'queued'`,
  'create index mails_by_organization on mails (organization_id, id)',
  'create index mails_by_state on mails (organization_id, state, id)',
]
