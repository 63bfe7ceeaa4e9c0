import { z } from 'zod'

export const actorTypes = [
  'root_key',
  'management_key',
  'member',
  'key_holder',
  'claim_link',
  'reminder_link',
  'system',
  'unknown',
] as const

/** Who did something. `id` is null for the root key and for Keyturn itself. */
export const actorSchema = z
  .object({ type: z.enum(actorTypes), id: z.string().nullable(), name: z.string() })
  .meta({ id: 'Actor' })

export type Actor = z.infer<typeof actorSchema>
