import { z } from 'zod'
import { environments, warningCodes } from './keys.ts'
import { quota, rateLimit } from './limits.ts'
import {
  allowedIps,
  emailAddress,
  lineOfText,
  metadata,
  paragraph,
  plainText,
  scopes,
  seconds,
  timestamp,
} from './values.ts'

/** What one call may bring. */
export const mostImported = 10_000

/** An imported value is looked up like any other: of `jwt` keys Keyturn signs the value itself. */
export const importableKinds = ['secret', 'publishable'] as const

/** How another system wrote down the 32 octets of SHA-256: told apart by their length. */
const digestShapes = [
  { encoding: 'hex', shape: /^[0-9a-f]{64}$/i },
  { encoding: 'base64', shape: /^[0-9a-z+/]{43}=$/i },
  { encoding: 'base64url', shape: /^[0-9a-z_-]{43}=?$/i },
  // Without its padding.
  { encoding: 'base64', shape: /^[0-9a-z+/]{43}$/i },
] as const

/** @returns undefined where it is none */
export function digestEncodingOf(text: string): 'hex' | 'base64' | 'base64url' | undefined {
  return digestShapes.find(({ shape }) => shape.test(text))?.encoding
}

/** A key that another system issued: its value, or the SHA-256 of it, and what is to be known of it here. */
export const importedKey = z
  .strictObject({
    value: plainText(4096).min(1).optional().describe('The value itself. Kept as a digest, like any other.'),
    digest: z
      .string()
      .max(100)
      .refine(
        (text) => digestEncodingOf(text) !== undefined,
        'must be SHA-256 of the value, as hex, base64 or base64url',
      )
      .optional(),
    hint: lineOfText(40).optional().describe('How to know it by; of a `value` its ends are taken.'),
    project: plainText(200).min(1).optional().describe('Id or slug; else that of the call.'),
    name: lineOfText(200),
    kind: z.enum(importableKinds).default('secret'),
    environment: z.enum(environments).default('live'),
    purpose: paragraph(1000).nullable().optional(),
    owner: emailAddress.nullable().optional(),
    contact: emailAddress.nullable().optional(),
    scopes: scopes.optional(),
    allowed_ips: allowedIps.optional(),
    metadata: metadata.optional(),
    rate_limit: rateLimit.nullable().optional(),
    quota: quota.nullable().optional(),
    disabled: z.boolean().default(false),
    expires_at: timestamp.optional(),
    expires_in: seconds.optional().describe('Seconds from now.'),
    never_expires: z.literal(true, 'must be true, or left out').optional(),
  })
  .refine((row) => (row.value === undefined) !== (row.digest === undefined), {
    error: 'give either value or digest',
    path: ['value'],
  })
  .refine((row) => row.kind !== 'publishable' || row.value !== undefined, {
    error: 'is needed of a publishable key, which can be shown again',
    path: ['value'],
  })
  .refine((row) => [row.expires_at, row.expires_in, row.never_expires].filter((end) => end !== undefined).length <= 1, {
    error: 'give one of expires_at, expires_in, never_expires',
    path: ['expires_at'],
  })
export type ImportedKey = z.infer<typeof importedKey>

/** Rows are checked one by one, so that all that are wrong can be named in one answer. */
export const keyImport = z
  .strictObject({
    project: plainText(200)
      .min(1)
      .optional()
      .describe('Id or slug, of the rows that name none. May be left out where there is only one.'),
    keys: z
      .array(z.unknown().meta({ $ref: '#/components/schemas/ImportedKey' }))
      .min(1)
      .max(mostImported, `must have at most ${mostImported} rows; send the others in further calls`),
  })
  .meta({
    id: 'KeyImport',
    example: {
      keys: [
        { value: 'acme_7f3kq0v9x2m4', name: 'Zapier, production', owner: 'ada@example.com', expires_in: 31_536_000 },
      ],
    },
  })

const line = z.number().int().min(1).describe('Of a CSV the line, from 1; else the place among `keys`, from 1.')

/** What stands against a row. */
export const importRefusal = z
  .object({ line, field: z.string().nullable(), detail: z.string() })
  .meta({ id: 'ImportRefusal' })
export type ImportRefusal = z.infer<typeof importRefusal>

export const importAnswer = z
  .object({
    imported: z.number().int(),
    existing: z
      .number()
      .int()
      .describe('Were there already, live and in the same project; nothing of them was changed.'),
    keys: z.array(
      z.object({
        line,
        id: z.string(),
        project_id: z.string(),
        name: z.string(),
        hint: z.string(),
        existing: z.boolean(),
      }),
    ),
    warnings: z
      .array(z.object({ code: z.enum(warningCodes), detail: z.string(), lines: z.array(line) }))
      .describe('With the lines of the rows that each is about.'),
  })
  .meta({ id: 'KeyImportAnswer' })
export type ImportAnswer = z.infer<typeof importAnswer>
