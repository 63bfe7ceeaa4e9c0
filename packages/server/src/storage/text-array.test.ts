import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../test/support/engines.ts'
import type { Database } from './database.ts'
import { TextArray } from './driver-values.ts'

describe.each(engines)('an array of texts as a parameter, on $name', ({ open }) => {
  let database: Database
  beforeAll(async () => {
    database = await open()
  })
  afterAll(() => database.close())

  async function there(values: readonly (string | null)[]): Promise<unknown> {
    const { rows } = await sql<{ values: unknown; count: number }>`select sent as values, cardinality(sent) as count
      from (select ${new TextArray(values)}::text[] as sent offset 0) as s`.execute(database.reader)
    expect(rows[0]?.count).toBe(values.length)
    return rows[0]?.values
  }

  it('arrives as it was, whatever is in it', async () => {
    const text = fc.string({ unit: 'binary' }).filter((one) => !one.includes('\0'))
    const values = fc.array(fc.option(fc.oneof(text, fc.constantFrom('', '{}', ',', '"', '\\', 'null', 'NULL', ' a '))))
    await fc.assert(
      fc.asyncProperty(values, async (sent) => {
        expect(await there(sent)).toEqual(sent)
      }),
      { numRuns: 50 },
    )
  })

  it('arrives with none in it, and with thousands', async () => {
    expect(await there([])).toEqual([])
    const many = Array.from({ length: 10_000 }, (_, place) => (place % 7 === 0 ? null : `№ ${place} “quoted” \\ `))
    expect(await there(many)).toEqual(many)
  })

  it('is refused with a NUL in it, which no text of a database has', async () => {
    await expect(there(['a\0b'])).rejects.toMatchObject({ code: '22021' })
  })
})
