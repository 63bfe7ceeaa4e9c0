import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../test/support/engines.ts'
import { TestClock } from '../../test/support/test-clock.ts'
import type { Database } from './database.ts'
import { at } from './driver-values.ts'

describe.each(engines)('the database, on $name', (engine) => {
  const clock = new TestClock()
  let database: Database
  beforeAll(async () => {
    database = await engine.open(clock)
    await sql`create table notes (id int primary key, text text constraint notes_text_is_free unique)`.execute(
      database.reader,
    )
  })
  afterAll(() => database.close())

  const select = async (expression: string): Promise<unknown> => {
    const { rows } = await sql<{ value: unknown }>`select ${sql.raw(expression)} as value`.execute(database.reader)
    return rows[0]?.value
  }
  const notes = async () =>
    (await sql<{ id: number }>`select id from notes order by id`.execute(database.reader)).rows.map((row) => row.id)
  const insert = (id: number, text: string) => sql`insert into notes values (${id}, ${text})`

  const values: [string, string, unknown][] = [
    ['int4', '42', 42],
    ['int8', '9007199254740991::int8', Number.MAX_SAFE_INTEGER],
    ['count', '(select count(*) from generate_series(1, 3))', 3],
    ['bool', 'true', true],
    ['text', `'ä🔑'`, 'ä🔑'],
    ['text collate "C"', `'a' collate "C"`, 'a'],
    ['null', 'null::timestamptz', null],
    ['timestamptz', `'2027-03-01 12:00:00.733+00'::timestamptz`, Date.UTC(2027, 2, 1, 12, 0, 0, 733)],
    ['timestamptz in another zone', `'2027-03-01 12:00:00+05:30'::timestamptz`, Date.UTC(2027, 2, 1, 6, 30)],
    ['timestamptz of year 9999', `'9999-12-31 23:59:59.999+00'::timestamptz`, Date.UTC(9999, 11, 31, 23, 59, 59, 999)],
    ['infinity', `'infinity'::timestamptz`, Number.POSITIVE_INFINITY],
    ['-infinity', `'-infinity'::timestamptz`, Number.NEGATIVE_INFINITY],
    ['text[]', `array['a', 'b,"c', '', '{}', null]::text[]`, ['a', 'b,"c', '', '{}', null]],
    ['an empty text[]', `'{}'::text[]`, []],
    ['jsonb', `'{"b": [1, 2.5, null, true], "a": {"ä": "🔑"}}'::jsonb`, { a: { ä: '🔑' }, b: [1, 2.5, null, true] }],
    ['a jsonb null', `'null'::jsonb`, null],
    ['uuid', `'0189A4E0-0000-7000-8000-000000000000'::uuid`, '0189a4e0-0000-7000-8000-000000000000'],
  ]
  it.each(values)('gives %s as the same value as the other engine', async (_, expression, expected) => {
    const value = await select(expression)
    expect(value).toEqual(expected)
    expect(typeof value).toBe(typeof expected)
  })

  it('gives bytea as bytes', async () => {
    const value = await select(`'\\x00ff10'::bytea`)
    expect(value).toBeInstanceOf(Uint8Array)
    expect([...(value as Uint8Array)]).toEqual([0, 255, 16])
  })

  it('takes every value back as it gave it', async () => {
    const octets = new Uint8Array([0, 1, 254, 255])
    const { rows } = await sql<
      Record<string, unknown>
    >`select ${octets}::bytea as octets, ${['a', 'b"\\']}::text[] as list,
      ${at(Number.POSITIVE_INFINITY)} as never, ${at(1_234_567_890_123)} as time, ${'{"a": 1}'}::jsonb as json,
      ${null}::text as nothing`.execute(database.reader)
    const { octets: given, ...others } = rows[0] ?? {}
    expect(Buffer.compare(given as Uint8Array, octets)).toBe(0)
    expect(others).toEqual({
      list: ['a', 'b"\\'],
      never: Number.POSITIVE_INFINITY,
      time: 1_234_567_890_123,
      json: { a: 1 },
      nothing: null,
    })
  })

  it('sorts and folds text the same way as the other engine', async () => {
    const { rows } = await sql<{
      text: string
    }>`select text from unnest(${['b', 'Z', 'a', 'ä', '_', '1']}::text[]) as text
      order by text collate "C"`.execute(database.reader)
    expect(rows.map((row) => row.text)).toEqual(['1', 'Z', '_', 'a', 'b', 'ä'])
    expect(await select(`lower('ÄÖ')`)).toBe('äö')
  })

  it('tells its own time, which the clock passes on', async () => {
    const before = await database.now(database.reader)
    expect(Math.abs(before - Date.now())).toBeLessThan(60_000)
    clock.advance(365 * 86_400_000)
    expect((await database.now(database.reader)) - before).toBeGreaterThanOrEqual(365 * 86_400_000)
  })

  it('keeps all of a transaction, or nothing of it', async () => {
    await database.transaction(async (tx) => {
      await insert(1, 'one').execute(tx)
      await insert(2, 'two').execute(tx)
    })
    const failure = database.transaction(async (tx) => {
      await insert(3, 'three').execute(tx)
      throw new Error('thought better of it')
    })
    await expect(failure).rejects.toThrow('thought better of it')
    expect(await notes()).toEqual([1, 2])
  })

  it('keeps nothing where the commit itself fails, and goes on', async () => {
    await sql`create function refuse() returns trigger language plpgsql as 'begin raise exception ''not this one''; end'`.execute(
      database.reader,
    )
    await sql`create constraint trigger refuse after insert on notes deferrable initially deferred for each row
      when (new.id = 99) execute function refuse()`.execute(database.reader)
    const failure = database.transaction((tx) => insert(99, 'refused').execute(tx))
    await expect(failure).rejects.toThrow('not this one')
    await database.transaction((tx) => insert(4, 'four').execute(tx))
    expect(await notes()).toEqual([1, 2, 4])
  })

  it('used inside a transaction other than by it says so, instead of waiting for ever', async () => {
    const readerInside = database.transaction(() => sql`select 1`.execute(database.reader))
    await expect(readerInside).rejects.toThrow('pass on `tx`')
    const transactionInside = database.transaction(() => database.transaction(async () => 1))
    await expect(transactionInside).rejects.toThrow('pass on `tx`')
    const laterInside = database.transaction(async () => {
      await new Promise((resolve) => setImmediate(resolve))
      return database.now(database.reader)
    })
    await expect(laterInside).rejects.toThrow('pass on `tx`')
    expect(await select('1')).toBe(1)
  })

  it('lets transactions at the same time not see into each other', async () => {
    const seen = await Promise.all(
      Array.from({ length: 8 }, (_, at) =>
        database.transaction(async (tx) => {
          await insert(100 + at, `at once ${at}`).execute(tx)
          const { rows } = await sql<{ id: number }>`select id from notes where id >= 100 and id < 100 + 8
            and xmin = pg_current_xact_id()::xid`.execute(tx)
          return rows.map((row) => row.id)
        }),
      ),
    )
    expect(seen).toEqual(Array.from({ length: 8 }, (_, at) => [100 + at]))
  })

  it('names the constraint that a row breaks', async () => {
    await expect(insert(50, 'one').execute(database.reader)).rejects.toMatchObject({
      code: '23505',
      constraint: 'notes_text_is_free',
    })
  })

  it('calls a lost lock, a full disk and a stopping server unavailable, and nothing else', async () => {
    for (const state of ['55P03', '40P01', '40001', '53100', '57P01', '08006']) {
      await expect(raise(state), state).rejects.toMatchObject({ name: 'DomainError', code: 'database_unavailable' })
    }
    for (const state of ['23505', '22P02', 'P0001'])
      await expect(raise(state), state).rejects.toMatchObject({ code: state })
    function raise(state: string) {
      return sql.raw(`do $$ begin raise exception using errcode = '${state}'; end $$`).execute(database.reader)
    }
  })

  it('gives everything back when it is closed, even if it was never asked', async () => {
    const other = await engine.open()
    await other.close()
    await expect(sql`select 1`.execute(other.reader)).rejects.toThrow()
  })
})
