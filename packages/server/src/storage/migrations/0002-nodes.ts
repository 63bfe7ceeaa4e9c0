import { type Kysely, sql } from 'kysely'

/** The registry of nodes, and what a node needs to drop exactly what a change is about. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const statements = [
  `create table nodes (
    id text collate "C" primary key,
    version text not null,
    started_at timestamptz not null,
    heartbeat bigint not null,
    applied_sequence bigint not null,
    max_staleness_ms integer not null
  )`,

  // The digests of the key's secrets, so that a node drops these and no others, a remembered miss among them.
  'alter table change_feed add column digests bytea[]',

  // As before, but for the digests: see migration 0001 for why it is like this.
  `create or replace function seal_outbox() returns trigger language plpgsql as $$
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
      insert into change_feed (sequence, changed_kind, changed_id, digests)
        select head_sequence, item.changed_kind, item.changed_id,
          case when item.changed_kind = 'key' then
            (select array_agg(digest) from secrets where key_id = item.changed_id) end;
    end loop;
    delete from outbox where transaction = this_transaction;
    return null;
  end $$`,
]
