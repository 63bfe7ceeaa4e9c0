import { z } from 'zod'
import { plainText } from './values.ts'

/** A page of a list. `next_cursor` is null on the last one. */
export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({ data: z.array(item), next_cursor: z.string().nullable() })

export const pageQuery = z.strictObject({
  limit: z.coerce.number('must be a whole number').int().min(1).max(200).default(50),
  cursor: plainText(1000).optional().describe('`next_cursor` of the page before, as it is.'),
})
