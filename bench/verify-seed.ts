import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import type pg from 'pg'
import { sha256 } from '../packages/server/src/kernel/digest.ts'
import { newId } from '../packages/server/src/kernel/ids.ts'
import { mintValue, prefixOf } from '../packages/server/src/keys/format.ts'
import { fillWithoutIndexes } from './without-indexes.ts'

const batch = 20_000
const prefix = prefixOf('kt', 'secret', 'live')

/**
 * Keys as a product's customers have them: each with a name of its own, one of 20,000 owners, one of 40 sets of scopes, one of 3
 * plans.
 *
 * @returns the values, in the order of the file
 */
export async function seedKeys(
  client: pg.Client,
  place: { organizationId: string; projectId: string },
  count: number,
): Promise<string[]> {
  const values: string[] = []
  await fillWithoutIndexes(client, async () => {
    for (let first = 0; first < count; first += batch) {
      const fresh = Array.from({ length: Math.min(batch, count - first) }, () => mintValue(prefix).reveal())
      const now = Date.now()
      await client.query(insert, [
        place.organizationId,
        place.projectId,
        first,
        fresh.map(() => newId('key', now)),
        fresh.map(() => newId('secret', now)),
        fresh.map((value) => sha256(value)),
      ])
      values.push(...fresh)
    }
  })
  await client.query('vacuum analyze')
  return values
}

const insert = `
  with given as (
    select $3::int + row_number() over () as i, *
    from unnest($4::text[], $5::text[], $6::bytea[]) as given (key_id, secret_id, digest)
  ), made_keys as (
    insert into keys (id, organization_id, project_id, management, management_projects, kind, environment, name, name_key, purpose,
      owner, contact, scopes, allowed_ips, metadata, state, legacy, first_end_at, last_end_at, created_at, created_by, last_action,
      last_actor, last_action_at, search)
    select key_id, $1, $2, false, null, 'secret', 'live', 'Customer ' || i || ', nightly export', 'customer ' || i, null,
      'user' || i % 20000 || '@northwind.example', null, array['orders:read', 'scope' || i % 40 || ':write'], '{}',
      jsonb_build_object('plan', (array['free', 'pro', 'enterprise'])[1 + i % 3]), 'active', false,
      now() + interval '1 year', now() + interval '1 year', now(), actor, 'key.created', actor, now(), ''
    from given, (select '{"type": "root_key", "id": null, "name": "Root key"}'::jsonb as actor) as by
  ), made_activity as (
    insert into key_activity (key_id, organization_id, project_id, management, state, last_used_at)
    select key_id, $1, $2, false, 'active', '-infinity' from given
  ), made_secrets as (
    insert into secrets (id, key_id, organization_id, slot, digest, hint, created_at, expires_at)
    select secret_id, key_id, $1, 'primary', digest, 'kt_live_', now(), now() + interval '1 year' from given
  )
  insert into secret_activity (secret_id, last_used_at) select secret_id, '-infinity' from given`

/** What nobody has been given: well formed, mistyped, and of another shape, in turn. */
export function invalidValue(number: number): string {
  const value = mintValue(prefix).reveal()
  if (number % 3 === 0) return value
  return number % 3 === 1 ? `${value.slice(0, -1)}${value.endsWith('0') ? '1' : '0'}` : randomBytes(23).toString('hex')
}

export const unknownValue = (): string => mintValue(prefix).reveal()

export async function writeValues(file: string, values: Iterable<string>): Promise<void> {
  const out = createWriteStream(file)
  let chunk = ''
  for (const value of values) {
    chunk += `${value}\n`
    if (chunk.length > 1_000_000) {
      out.write(chunk)
      chunk = ''
    }
  }
  out.end(chunk)
  await finished(out)
}
