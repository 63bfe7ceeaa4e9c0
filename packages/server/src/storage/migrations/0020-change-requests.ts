import { type Kysely, sql } from 'kysely'

/** Who has asked administrators to do something about a key that ends: each wish once a day. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table change_requests (
      organization_id text collate "C" not null references organizations (id),
      subject_id text collate "C" not null,
      recipient text collate "C" not null,
      wish text collate "C" not null check (wish in ('extend', 'rotate', 'lapse')),
      requested_at timestamptz not null,
      primary key (organization_id, subject_id, recipient, wish)
    )`.execute(db)
}
