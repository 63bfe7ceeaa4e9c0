// Answers of Unkey's `apis.listKeys`, one after the other, become what Keyturn imports: node from-unkey.mjs page*.json > keys.json
// Node 20 or newer, nothing else. docs/guides/from-unkey.md
import { readFileSync } from 'node:fs'

/** @type {any[]} */
const rows = process.argv.slice(2).flatMap((file) => JSON.parse(readFileSync(file, 'utf8')).data)
const now = Date.now()
const alive = rows.filter(({ expires }) => !expires || expires > now)
const unreadable = alive.filter(({ plaintext, hash }) => !plaintext && !hash)
for (const { keyId, name } of unreadable)
  console.error(`${keyId} (${name ?? 'without a name'}): neither plaintext nor hash`)

/** Those that hold for every call. @param {any[]} [ratelimits] */
const limitOf = (ratelimits = []) => {
  const windows = ratelimits
    .filter(({ autoApply, duration }) => autoApply && duration >= 1_000)
    .map(({ limit, duration }) => ({ limit, window_seconds: Math.round(duration / 1_000) }))
  return windows.length > 0 ? { windows } : null
}

/** What is refilled. Credits that are not are a number that only goes down, which has no counterpart. @param {any} [credits] */
const quotaOf = (credits) =>
  credits?.refill ? { limit: credits.refill.amount, refill: credits.refill.interval } : null

const keys = alive
  .filter((row) => !unreadable.includes(row))
  .map((row) => ({
    // What a recoverable key was decrypted to, else the SHA-256, in base64, that Unkey keeps.
    ...(row.plaintext ? { value: row.plaintext } : { digest: row.hash, ...(row.start && { hint: `${row.start}…` }) }),
    name: row.name || `Key ${row.keyId}`,
    scopes: [
      ...new Set([
        ...(row.permissions ?? []),
        ...(row.roles ?? []).map((/** @type {string} */ role) => `role:${role}`),
      ]),
    ],
    metadata: { unkey_id: row.keyId, ...(row.identity && { identity: row.identity.externalId }), ...row.meta },
    rate_limit: limitOf(row.ratelimits),
    quota: quotaOf(row.credits),
    disabled: row.enabled === false,
    ...(row.expires && { expires_at: new Date(row.expires).toISOString() }),
  }))
console.log(JSON.stringify({ keys }))
