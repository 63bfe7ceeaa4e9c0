import { type RawBuilder, sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'

/**
 * Thousands of texts as a parameter, `${new TextArray(texts)}::text[]`: in PostgreSQL's binary format, which it reads as it is, while of a
 * text each character is looked at for quotes and escaped on both sides (array_recv and array_in in arrayfuncs.c).
 */
export class TextArray {
  readonly values: readonly (string | null)[]

  constructor(values: readonly (string | null)[]) {
    this.values = values
  }

  /** What pg asks of a parameter. */
  toPostgres(): Buffer {
    const lengths = this.values.map((value) => (value === null ? -1 : Buffer.byteLength(value)))
    const octets = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + 4 + Math.max(length, 0), arrayHead))
    const head = [this.values.length === 0 ? 0 : 1, lengths.includes(-1) ? 1 : 0, textOid, this.values.length, 1]
    let end = head.reduce((offset, value) => octets.writeInt32BE(value, offset), 0)
    for (const [place, value] of this.values.entries()) {
      end = octets.writeInt32BE(lengths[place] ?? -1, end)
      if (value !== null) end += octets.write(value, end)
    }
    return this.values.length === 0 ? octets.subarray(0, emptyArrayHead) : octets
  }
}

// Dimensions, whether there are nulls, the type; then, where there is a dimension, its length and where it begins.
const arrayHead = 20
const emptyArrayHead = 12
const textOid = 25

/** An instant as a parameter. Plain numbers are refused by the database, so a forgotten one cannot pass unseen. */
export function at(instant: Instant): RawBuilder<Instant> {
  return sql<Instant>`${instantText(instant)}::timestamptz`
}

export function instantText(instant: Instant): string {
  if (Number.isFinite(instant)) return new Date(instant).toISOString()
  return instant > 0 ? 'infinity' : '-infinity'
}
