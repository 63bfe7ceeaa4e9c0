import { type Kysely, sql } from 'kysely'

/** Who was a member and is not any more: keys that have their address as owner have an owner who is gone. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table former_members (
      organization_id text collate "C" not null references organizations (id),
      email text collate "C" not null,
      left_at timestamptz not null,
      primary key (organization_id, email)
    )`.execute(db)
}
