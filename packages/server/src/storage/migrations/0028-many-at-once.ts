import { type Kysely, sql } from 'kysely'

/**
 * Thousands of keys in one transaction. Their events come as one row of the outbox, and are sealed by one insert: the lock on the head of the
 * chain, for which every other change of the organization waits, is held for a third of the time. What they mean for verdicts is said by
 * digest, a hundred to a row of the feed. The first look at their secrets is noted by statement, and not for each.
 *
 * What events are found by is taken from their text by a trigger, which reads it once. For columns that derive themselves PostgreSQL read it
 * seven times, which was two thirds of the cost of sealing.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const statements = [
  'alter table outbox add column bodies text[], add column digests bytea[], drop constraint outbox_check',
  // Read again in the same transaction: to compress it would cost more than to write it.
  'alter table outbox alter column bodies set storage external',
  `alter table outbox add constraint outbox_is_of_a_chain check ((chain is null) = (body is null and bodies is null)),
    add constraint outbox_says_it_once check (body is null or bodies is null)`,

  `alter table audit_events alter column at drop expression, alter column action drop expression, alter column actor drop expression,
    alter column key_id drop expression, alter column project_id drop expression`,
  // Whatever somebody else would have there: the text decides.
  `create function derive_event_columns() returns trigger language plpgsql as $$
    declare
      said constant jsonb := new.body::jsonb;
    begin
      new.at := said ->> 'at';
      new.action := said ->> 'action';
      new.actor := coalesce(said #>> '{actor,id}', said #>> '{actor,type}');
      new.key_id := case when said #>> '{target,type}' = 'key' then said #>> '{target,id}' end;
      new.project_id := said ->> 'project_id';
      return new;
    end $$`,
  `create trigger derive_event_columns before insert or update on audit_events
    for each row execute function derive_event_columns()`,

  `create or replace function seal_outbox() returns trigger language plpgsql as $$
    declare
      this_transaction constant xid8 := pg_current_xact_id();
      item record;
      event_body text;
      hashes bytea[];
      first_sequence bigint;
      head_sequence bigint;
      head_hash bytea;
      feed_sequence bigint := null;
    begin
      if not exists (select from outbox where id = new.id) then
        return null;
      end if;
      for item in
        select chain, array_agg(part.body order by id, place) as bodies
        from outbox cross join lateral unnest(coalesce(outbox.bodies, array[outbox.body])) with ordinality as part (body, place)
        where transaction = this_transaction and chain is not null
        group by chain order by chain
      loop
        insert into audit_heads (chain, sequence, hash) values (item.chain, 0, decode(repeat('00', 32), 'hex'))
          on conflict do nothing;
        select sequence, hash into head_sequence, head_hash from audit_heads where chain = item.chain for update;
        first_sequence := head_sequence;
        hashes := '{}';
        foreach event_body in array item.bodies loop
          head_sequence := head_sequence + 1;
          head_hash := sha256(head_hash || convert_to(head_sequence::text || event_body, 'UTF8'));
          hashes := hashes || head_hash;
        end loop;
        insert into audit_events (chain, sequence, hash, body)
          select item.chain, first_sequence + part.place, part.hash, part.body
          from unnest(hashes, item.bodies) with ordinality as part (hash, body, place);
        update audit_heads set sequence = head_sequence, hash = head_hash where chain = item.chain;
      end loop;
      for item in
        select changed_kind, changed_id, digests from outbox
        where transaction = this_transaction and changed_kind is not null order by id
      loop
        if feed_sequence is null then
          select sequence into feed_sequence from change_feed_head for update;
        end if;
        feed_sequence := feed_sequence + 1;
        insert into change_feed (sequence, changed_kind, changed_id, digests)
          select feed_sequence, item.changed_kind, item.changed_id,
            case when item.digests is not null then item.digests
              when item.changed_kind = 'key' then (select array_agg(digest) from secrets where key_id = item.changed_id) end;
      end loop;
      if feed_sequence is not null then
        update change_feed_head set sequence = feed_sequence;
      end if;
      delete from outbox where transaction = this_transaction;
      return null;
    end $$`,

  'drop trigger secrets_are_watched on secrets',
  `create function watch_secrets() returns trigger language plpgsql as $$
    begin
      insert into reminder_progress (subject_id, organization_id, next_at)
        select s.id, s.organization_id, '-infinity' from secrets s
        where s.key_id in (select key_id from made) and (s.ended_at is null or s.id in (select id from made))
        order by s.id on conflict (subject_id) do update set next_at = '-infinity';
      return null;
    end $$`,
  `create trigger secrets_are_watched after insert on secrets referencing new table as made
    for each statement execute function watch_secrets()`,
]
