import type { Kysely, KyselyPlugin, UnknownRow } from 'kysely'
import type { Reader } from '../storage/database.ts'

/** better-auth speaks of times as `Date`; our drivers give milliseconds. Both are the same instant. */
const timesAsDates: KyselyPlugin = {
  transformQuery: ({ node }) => node,
  transformResult: async ({ result }) => ({ ...result, rows: result.rows.map(withDates) }),
}

function withDates(row: UnknownRow): UnknownRow {
  const isTime = ([name, value]: [string, unknown]) => /_(at|until)$/.test(name) && typeof value === 'number'
  const entries = Object.entries(row)
  return Object.fromEntries(entries.map((entry) => (isTime(entry) ? [entry[0], new Date(Number(entry[1]))] : entry)))
}

/** The database as better-auth takes it. Its statements stand alone: each commits with the events that its triggers write. */
export function betterAuthDatabase(reader: Reader) {
  return {
    // oxlint-disable-next-line typescript/no-explicit-any, typescript/no-unsafe-type-assertion -- as better-auth declares it
    db: reader.withPlugin(timesAsDates) as Kysely<any>,
    type: 'postgres' as const,
    transaction: false,
  }
}
