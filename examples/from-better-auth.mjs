// Rows of better-auth's table `apikey`, as JSON, become what Keyturn imports: node from-better-auth.mjs apikeys.json > keys.json
// Node 20 or newer, nothing else. docs/guides/from-better-auth.md
import { readFileSync } from 'node:fs'

/** @type {any[]} */
const rows = JSON.parse(readFileSync(process.argv[2] ?? 0, 'utf8'))
const now = Date.now()

/**
 * Permissions are lists by resource; scopes are single words: `{"orders": ["read"]}` is `orders:read`.
 * @param {Record<string, string[]> | null} permissions
 */
const scopesOf = (permissions) =>
  Object.entries(permissions ?? {}).flatMap(([resource, actions]) => actions.map((action) => `${resource}:${action}`))

/**
 * Text in some databases, an object in others; and it may have been made a text twice.
 * @type {(value: any) => any}
 */
const readJson = (value) => (typeof value === 'string' && value !== '' ? readJson(JSON.parse(value)) : (value ?? null))

/** A window of milliseconds is one of whole seconds here. @param {any} row */
const limitOf = ({ rateLimitEnabled, rateLimitMax, rateLimitTimeWindow }) =>
  rateLimitEnabled && rateLimitMax > 0 && rateLimitTimeWindow >= 1_000
    ? { windows: [{ limit: rateLimitMax, window_seconds: Math.round(rateLimitTimeWindow / 1_000) }] }
    : null

/** What is refilled once a day or month; other intervals have no counterpart. @param {any} row */
function quotaOf({ refillAmount, refillInterval }) {
  const days = refillInterval / 86_400_000
  if (!(refillAmount > 0) || (days !== 1 && !(days >= 28 && days <= 31))) return null
  return { limit: refillAmount, refill: days === 1 ? 'daily' : 'monthly' }
}

const keys = rows
  .filter(({ expiresAt }) => expiresAt === null || Date.parse(expiresAt) > now)
  .map((row) => ({
    // SHA-256 as base64url. With `disableKeyHashing` it is the key itself: `value: row.key` then.
    digest: row.key,
    ...(row.start && { hint: `${row.start}…` }),
    name: row.name || `Key ${row.id}`,
    ...(row.email && { owner: row.email }),
    scopes: scopesOf(readJson(row.permissions)),
    metadata: { better_auth_id: row.id, reference: row.referenceId ?? row.userId, ...readJson(row.metadata) },
    rate_limit: limitOf(row),
    quota: quotaOf(row),
    disabled: row.enabled === false || row.enabled === 0,
    ...(row.expiresAt && { expires_at: new Date(row.expiresAt).toISOString() }),
  }))
console.log(JSON.stringify({ keys }))
