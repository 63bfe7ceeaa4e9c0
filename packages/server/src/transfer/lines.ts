import { auditEventSchema, exportedMember } from '@keyturn/contract'
import { z } from 'zod'
import {
  channelColumns,
  credentialColumns,
  keyActivityColumns,
  keyColumns,
  organizationColumns,
  projectColumns,
  secretActivityColumns,
  secretColumns,
  shapeOf,
  valueColumns,
} from './columns.ts'

/** Goes up when an older Keyturn could not read a line, or would read it differently. */
export const exportFormat = 1

const recordId = z.string().max(100)
const sequence = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER)
const hash = z.string().regex(/^[0-9a-f]{64}$/, 'must be SHA-256 in hex')

const secret = z.strictObject({ ...shapeOf(secretColumns), ...shapeOf(secretActivityColumns) })

/** What is there once at a time, in the order in which an export begins with it. */
const records = {
  organization: z.strictObject({ type: z.literal('organization'), ...shapeOf(organizationColumns) }),
  project: z.strictObject({ type: z.literal('project'), ...shapeOf(projectColumns) }),
  key: z.strictObject({
    type: z.literal('key'),
    ...shapeOf(keyColumns),
    ...shapeOf(keyActivityColumns),
    secrets: z.array(secret).min(1),
  }),
  tracked_credential: z.strictObject({
    type: z.literal('tracked_credential'),
    ...shapeOf(credentialColumns),
    values: z.array(z.strictObject(shapeOf(valueColumns))).min(1),
  }),
  channel: z.strictObject({ type: z.literal('channel'), ...shapeOf(channelColumns) }),
  member: z.strictObject({ type: z.literal('member'), id: recordId, ...exportedMember.shape }),
} as const

export type RecordKind = keyof typeof records
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the names of the table
export const recordKinds = Object.keys(records) as RecordKind[]

/** Format, and whose, and when: before anything else. */
const head = z.strictObject({
  type: z.literal('export'),
  format: z.literal(exportFormat, `must be ${exportFormat}: another version of Keyturn wrote this`),
  version: z.string().max(100),
  organization_id: organizationColumns.id.schema,
  exported_at: z.iso.datetime(),
})

/** A record that was there further up, and is no longer. */
const removed = z.strictObject({ type: z.literal('removed'), of: z.enum(['channel', 'member']), id: recordId })

/** The very text of the event that its hash is over. */
const event = z.strictObject({ type: z.literal('audit_event'), sequence, hash, body: z.string() })

/** How many lines there were before, the SHA-256 of all of them with their line ends, and where the trail stands. */
const end = z.strictObject({
  type: z.literal('end'),
  lines: sequence,
  sha256: hash,
  audit: z.strictObject({ sequence, hash }),
})

const line = z.discriminatedUnion('type', [
  head,
  records.organization,
  records.project,
  records.key,
  records.tracked_credential,
  records.channel,
  records.member,
  removed,
  event,
  end,
])

export type Line = z.infer<typeof line>
export type LineOf<T extends Line['type']> = Extract<Line, { type: T }>
export type RecordLine = LineOf<RecordKind>

export const isRecord = (one: Line): one is RecordLine => one.type in records

/** One line of an export cannot be taken, so nothing is. */
export class LineRefused extends Error {
  readonly line: number
  readonly field: string | null
  readonly detail: string

  constructor(number: number, detail: string, field: string | null = null) {
    super(`line ${number} of an export was refused: ${detail}`)
    this.name = 'LineRefused'
    this.line = number
    this.field = field
    this.detail = detail
  }
}

export const writeLine = (one: Line): string => `${JSON.stringify(one)}\n`

// JSON.stringify writes every other character as it is; these two no database takes.
const unstorable = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/

/**
 * A line is what `writeLine` makes of it and nothing else: no field twice, no space, no other way to write a number.
 *
 * @throws LineRefused
 */
export function readLine(number: number, octets: Uint8Array): Line {
  const written = decode(number, octets)
  const value = parse(number, written)
  if (JSON.stringify(value) !== written) throw new LineRefused(number, 'is not written as an export writes it')
  if (unstorable.test(written)) throw new LineRefused(number, 'has a character in it that no text has')
  const read = line.safeParse(value)
  if (read.success) return read.data
  const [issue] = read.error.issues
  throw new LineRefused(number, issue?.message ?? 'is not a line of an export', issue?.path.join('.') || null)
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decode(number: number, octets: Uint8Array): string {
  try {
    return utf8.decode(octets)
  } catch {
    throw new LineRefused(number, 'is not UTF-8')
  }
}

function parse(number: number, written: string): unknown {
  try {
    return JSON.parse(written)
  } catch {
    throw new LineRefused(number, 'is not JSON')
  }
}

const eventBody = auditEventSchema.omit({ sequence: true, hash: true }).strict()
export type EventBody = z.infer<typeof eventBody>

/** What an event says. @throws LineRefused */
export function readEventBody(number: number, { body }: LineOf<'audit_event'>): EventBody {
  const read = eventBody.safeParse(parse(number, body))
  if (!read.success) {
    const [issue] = read.error.issues
    throw new LineRefused(number, issue?.message ?? 'is no event', ['body', ...(issue?.path ?? [])].join('.'))
  }
  if (unstorable.test(body)) throw new LineRefused(number, 'has a character in it that no text has', 'body')
  return read.data
}
