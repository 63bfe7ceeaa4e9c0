import { type Kysely, sql } from 'kysely'

/**
 * Seals as before (see 0001 and 0002), at a cost in proportion to the number of events of a transaction: the calls for its other rows look for their
 * own row alone, instead of walking past all that the first call took away, and each head is written once.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create or replace function seal_outbox() returns trigger language plpgsql as $$
    declare
      this_transaction constant xid8 := pg_current_xact_id();
      item record;
      head_chain text collate "C" := null;
      head_sequence bigint;
      head_hash bytea;
      feed_sequence bigint := null;
    begin
      if not exists (select from outbox where id = new.id) then
        return null;
      end if;
      for item in
        select id, chain, body from outbox where transaction = this_transaction and chain is not null order by chain, id
      loop
        if item.chain is distinct from head_chain then
          if head_chain is not null then
            update audit_heads set sequence = head_sequence, hash = head_hash where chain = head_chain;
          end if;
          head_chain := item.chain;
          insert into audit_heads (chain, sequence, hash) values (head_chain, 0, decode(repeat('00', 32), 'hex'))
            on conflict do nothing;
          select sequence, hash into head_sequence, head_hash from audit_heads where chain = head_chain for update;
        end if;
        head_sequence := head_sequence + 1;
        head_hash := sha256(head_hash || convert_to(head_sequence::text || item.body, 'UTF8'));
        insert into audit_events (chain, sequence, hash, body) values (head_chain, head_sequence, head_hash, item.body);
      end loop;
      if head_chain is not null then
        update audit_heads set sequence = head_sequence, hash = head_hash where chain = head_chain;
      end if;
      for item in
        select changed_kind, changed_id from outbox
        where transaction = this_transaction and changed_kind is not null order by id
      loop
        if feed_sequence is null then
          select sequence into feed_sequence from change_feed_head for update;
        end if;
        feed_sequence := feed_sequence + 1;
        insert into change_feed (sequence, changed_kind, changed_id, digests)
          select feed_sequence, item.changed_kind, item.changed_id,
            case when item.changed_kind = 'key' then
              (select array_agg(digest) from secrets where key_id = item.changed_id) end;
      end loop;
      if feed_sequence is not null then
        update change_feed_head set sequence = feed_sequence;
      end if;
      delete from outbox where transaction = this_transaction;
      return null;
    end $$`.execute(db)
}
