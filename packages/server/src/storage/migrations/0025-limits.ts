import { type Kysely, sql } from 'kysely'

/**
 * Rate limits and quotas of keys, and what was drawn from each quota. Days and months are apart, so that a key whose refill is changed
 * meets no count of the other kind. Rows are written anew all the time: room for that is left on each page.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table keys add column rate_limit jsonb, add column quota jsonb`.execute(db)
  await sql`
    create table quota_draws (
      key_id text collate "C" not null references keys (id),
      refill text not null check (refill in ('daily', 'monthly')),
      period timestamptz not null,
      drawn bigint not null check (drawn >= 0),
      granted bigint not null check (granted >= 0),
      primary key (key_id, refill)
    ) with (fillfactor = 50)`.execute(db)
  await findByDigests(db)
}

/** What a verdict depends on, as before (see 0006 for why it is a function), and the limits of the key. */
async function findByDigests(db: Kysely<unknown>): Promise<void> {
  await sql`drop function find_by_digests(bytea)`.execute(db)
  await sql`
    create function find_by_digests(packed bytea) returns table (
      head bigint, now timestamptz, root text, digest text, secret_id text, slot text, created_at timestamptz, expires_at timestamptz,
      retires_at timestamptz, overlap_started_at timestamptz, ended_at timestamptz, ended_by text, others_end timestamptz, key_id text,
      kind text, environment text, name text, owner text, scopes text[], allowed_ips text[], metadata jsonb, state text,
      management boolean, management_projects text[], organization_id text, project_id text, project_slug text, api_access boolean,
      organization_thresholds jsonb, project_thresholds jsonb, rate_limit jsonb, quota jsonb
    ) language plpgsql stable as $$
    declare
      wanted bytea[] := array(select substr(packed, 32 * n + 1, 32) from generate_series(0, length(packed) / 32 - 1) as n);
    begin
      return query
        select h.sequence, clock_timestamp(), encode(i.root_key_digest, 'hex'), found.*
        from change_feed_head h
        left join installation i on i.root_key_digest = any(wanted)
        left join (
          select encode(s.digest, 'hex'), s.id, s.slot, s.created_at, s.expires_at, s.retires_at, s.overlap_started_at, s.ended_at,
            s.ended_by,
            case when s.slot = 'secondary' then (
              select max(least(o.expires_at, o.retires_at, o.ended_at)) from secrets o where o.key_id = s.key_id and o.id <> s.id
                and o.created_at < least(s.expires_at, s.retires_at, s.ended_at)
            ) end,
            k.id, k.kind, k.environment, k.name, k.owner, k.scopes, k.allowed_ips, k.metadata, k.state, k.management,
            k.management_projects, k.organization_id, k.project_id, p.slug, p.api_access and o.api_access,
            o.policy -> 'reminder_thresholds', p.policy -> 'reminder_thresholds', k.rate_limit, k.quota
          from secrets s
          join keys k on k.id = s.key_id
          join projects p on p.id = k.project_id
          join organizations o on o.id = k.organization_id
          where s.digest = any(wanted)
        ) as found on true;
    end
    $$`.execute(db)
}
