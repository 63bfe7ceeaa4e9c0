import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../test/support/engines.ts'
import { type Keyturn, openKeyturn } from '../../test/support/keyturn.ts'
import type { Tx } from './database.ts'

const few = 60
const many = 1_000

describe.each(engines)('what a function looks for among all secrets, on $name', (engine) => {
  let keyturn: Keyturn
  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())

  /** Copies of the one key that there is, and of its secret. */
  async function copy(tx: Tx, pattern: { key: object; secret: object }, from: number, to: number): Promise<void> {
    const id = (letters: string) => sql`${letters} || to_char(i, 'FM00000000000000000000000000')`
    await sql`insert into keys select (jsonb_populate_record(null::keys, ${JSON.stringify(pattern.key)}::jsonb
      || jsonb_build_object('id', ${id('key_')}, 'name', 'Copy ' || i, 'name_key', 'copy ' || i))).*
      from generate_series(${from}::int, ${to}::int) as i`.execute(tx)
    await sql`insert into secrets select (jsonb_populate_record(null::secrets, ${JSON.stringify(pattern.secret)}::jsonb
      || jsonb_build_object('id', ${id('sec_')}, 'key_id', ${id('key_')},
        'digest', '\\x' || encode(sha256(convert_to('copy ' || i, 'UTF8')), 'hex')))).*
      from generate_series(${from}::int, ${to}::int) as i`.execute(tx)
  }

  async function readPattern(id: string): Promise<{ key: object; secret: object }> {
    const { rows } = await sql<{ key: object; secret: object }>`select to_jsonb(k) as key, to_jsonb(s) as secret
      from keys k join secrets s on s.key_id = k.id where k.id = ${id}`.execute(keyturn.database.reader)
    const [pattern] = rows
    if (!pattern) throw new Error('the pattern has gone')
    return pattern
  }

  it('is found by its index, though its connection planned that while there was little', async () => {
    const pattern = await readPattern((await keyturn.createKey('default', { name: 'Pattern' })).key.id)
    await keyturn.database.transaction(async (tx) => {
      const find = async (name: string) => {
        const found = sql<{
          key_id: string | null
        }>`select key_id from find_by_digests(sha256(convert_to(${name}, 'UTF8')))`
        return (await found.execute(tx)).rows.map(({ key_id }) => key_id)
      }
      // How often this transaction has read the whole table.
      const readThrough = async () => {
        const { rows } = await sql<{ times: number }>`select seq_scan::int as times from pg_stat_xact_user_tables
          where relname = 'secrets'`.execute(tx)
        return rows[0]?.times
      }
      await copy(tx, pattern, 1, few)
      await sql`analyze keys, secrets`.execute(tx)
      await sql`discard plans`.execute(tx)
      const before = await readThrough()
      // PostgreSQL plans by the values five times, and then once for all.
      for (let times = 0; times < 8; times++) expect(await find('copy 1')).toEqual([expect.stringMatching(/^key_0+1$/)])
      await copy(tx, pattern, few + 1, few + 1)
      await copy(tx, pattern, few + 2, many)
      expect(await find(`copy ${many}`)).toEqual([expect.stringMatching(/^key_0+1000$/)])
      expect(await readThrough()).toBe(before)
      const { rows } = await sql<{ watched: number }>`
        select count(*)::int as watched from reminder_progress where next_at = '-infinity'`.execute(tx)
      expect(rows[0]?.watched).toBeGreaterThanOrEqual(many)
    })
  })
})
