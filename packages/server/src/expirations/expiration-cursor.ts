import { DomainError } from '../kernel/errors.ts'
import { type Instant, never, parseInstant } from '../kernel/instant.ts'
import type { ExpirationPlace } from './expiration-place.ts'

/** Opaque to callers: the place of the last row of a page. */
export function formatPlace({ ended, at, subject, id }: ExpirationPlace): string {
  const time = at === never ? 'infinity' : new Date(at).toISOString()
  return Buffer.from(JSON.stringify(['expirations', ended, time, subject, id])).toString('base64url')
}

/** @throws DomainError invalid_cursor */
export function parsePlace(cursor: string | undefined): ExpirationPlace | null {
  if (cursor === undefined) return null
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    if (Array.isArray(parsed) && parsed.length === 5) {
      const [list, ended, time, subject, id] = parsed as unknown[]
      const at = instantOf(time)
      if (list === 'expirations' && typeof ended === 'boolean' && at !== null && isText(subject) && isText(id))
        return { ended, at, subject, id }
    }
  } catch {
    // Not one of ours; said below.
  }
  throw new DomainError('invalid_cursor')
}

function instantOf(time: unknown): Instant | null {
  if (time === 'infinity') return never
  if (typeof time !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(time)) return null
  const at = parseInstant(time)
  return at >= 0 ? at : null
}

const isText = (value: unknown): value is string => typeof value === 'string' && !value.includes('\0')
