import { describe, expect, it } from 'vitest'
import { anEngine } from '../../test/support/engines.ts'
import { announceBulk, isBulkUnderWay } from './bulk.ts'
import type { Database } from './database.ts'

/** A transaction that has announced it, and lasts until it is told how to end. */
async function writeMuch(database: Database): Promise<{ end: (how: 'commit' | 'fail') => Promise<unknown> }> {
  const begun = Promise.withResolvers<void>()
  const told = Promise.withResolvers<'commit' | 'fail'>()
  const ended = database
    .transaction(async (tx) => {
      await announceBulk(tx)
      begun.resolve()
      if ((await told.promise) === 'fail') throw new Error('on purpose')
    })
    .catch((error: unknown) => error)
  await begun.promise
  return {
    end: (how) => {
      told.resolve(how)
      return ended
    },
  }
}

// PGlite has one connection: nobody asks it anything while a transaction is open.
describe.each(anEngine('PostgreSQL'))('that thousands of rows are being written, on $name', ({ open }) => {
  it('is known as long as one of the transactions lasts that write them, however they end', async () => {
    const database = await open()
    const isUnderWay = () => isBulkUnderWay(database.reader)
    try {
      expect(await isUnderWay()).toBe(false)
      const [one, other] = [await writeMuch(database), await writeMuch(database)]
      expect(await isUnderWay()).toBe(true)
      await one.end('fail')
      expect(await isUnderWay()).toBe(true)
      await other.end('commit')
      expect(await isUnderWay()).toBe(false)
    } finally {
      await database.close()
    }
  })
})
