import { type Selectable, sql } from 'kysely'
import type { Instant } from '../kernel/instant.ts'
import type { Reader, Tx } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'
import type { Schema } from '../storage/schema.ts'
import type { Channel, SealedSecrets } from './channel.ts'

/** All but the secrets, sealed as they are. */
const columns = [
  'id',
  'organization_id',
  'kind',
  'url',
  'address',
  'events',
  'enabled',
  'disabled_reason',
  'old_secret_until',
  'created_at',
  'created_by',
] as const satisfies (keyof Schema['channels'])[]

const toChannel = (row: Pick<Selectable<Schema['channels']>, (typeof columns)[number]>): Channel => ({
  id: row.id,
  organizationId: row.organization_id,
  kind: row.kind,
  url: row.url,
  address: row.address,
  events: row.events,
  enabled: row.enabled,
  disabledReason: row.disabled_reason,
  oldSecretUntil: row.old_secret_until,
  createdAt: row.created_at,
  createdBy: row.created_by,
})

/** @param sealedSecret null: an e-mail channel has none */
export async function insertChannel(
  tx: Tx,
  organizationId: string,
  channel: Channel,
  sealedSecret: Uint8Array | null,
): Promise<void> {
  await tx
    .insertInto('channels')
    .values({
      id: channel.id,
      organization_id: organizationId,
      kind: channel.kind,
      url: channel.url,
      address: channel.address,
      events: channel.events === null ? null : [...channel.events],
      enabled: channel.enabled,
      sealed_secret: sealedSecret,
      created_at: at(channel.createdAt),
      created_by: JSON.stringify(channel.createdBy),
    })
    .execute()
}

export async function countChannels(tx: Tx, organizationId: string): Promise<number> {
  const row = await tx
    .selectFrom('channels')
    .select((column) => column.fn.countAll<number>().as('count'))
    .where('organization_id', '=', organizationId)
    .executeTakeFirst()
  return Number(row?.count ?? 0)
}

/** @param organizationId null: of any */
export async function findChannel(
  reader: Reader,
  organizationId: string | null,
  id: string,
): Promise<Channel | undefined> {
  let query = reader.selectFrom('channels').select(columns).where('id', '=', id)
  if (organizationId !== null) query = query.where('organization_id', '=', organizationId)
  const row = await query.executeTakeFirst()
  return row && toChannel(row)
}

/** For changing it. @returns undefined where it has been deleted meanwhile */
export async function lockChannel(tx: Tx, organizationId: string, id: string): Promise<Channel | undefined> {
  const row = await tx
    .selectFrom('channels')
    .select(columns)
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  return row && toChannel(row)
}

/** Newest first. */
export async function listChannels(
  reader: Reader,
  organizationId: string,
  page: { before: string | null; limit: number },
): Promise<Channel[]> {
  let query = reader
    .selectFrom('channels')
    .select(columns)
    .where('organization_id', '=', organizationId)
    .orderBy('id', 'desc')
    .limit(page.limit)
  if (page.before !== null) query = query.where('id', '<', page.before)
  return (await query.execute()).map(toChannel)
}

/** Those that are enabled, by id. They stay as they are until the transaction ends: none is disabled while something is put into its queue. */
export async function holdWebhooks(tx: Tx, organizationId: string): Promise<Channel[]> {
  const rows = await tx
    .selectFrom('channels')
    .select(columns)
    .where('organization_id', '=', organizationId)
    .where('kind', '=', 'webhook')
    .where('enabled', '=', true)
    .orderBy('id')
    .forShare()
    .execute()
  return rows.map(toChannel)
}

/** By id. */
export async function listEnabledMailboxes(
  reader: Reader,
  organizationId: string,
): Promise<{ id: string; address: string }[]> {
  const rows = await reader
    .selectFrom('channels')
    .select(['id', 'address'])
    .where('organization_id', '=', organizationId)
    .where('kind', '=', 'email')
    .where('enabled', '=', true)
    .orderBy('id')
    .execute()
  return rows.flatMap(({ id, address }) => (address === null ? [] : [{ id, address }]))
}

export async function updateChannel(tx: Tx, organizationId: string, channel: Channel): Promise<void> {
  await tx
    .updateTable('channels')
    .set({
      url: channel.url,
      address: channel.address,
      events: channel.events === null ? null : [...channel.events],
      enabled: channel.enabled,
      disabled_reason: channel.disabledReason,
    })
    .where('organization_id', '=', organizationId)
    .where('id', '=', channel.id)
    .execute()
}

/** The one there was signs beside it until then; with `until` null it ends now. One that was older still is forgotten. */
export async function replaceSecret(
  tx: Tx,
  organizationId: string,
  id: string,
  sealed: Uint8Array,
  until: Instant | null,
): Promise<void> {
  await tx
    .updateTable('channels')
    .set({
      sealed_secret: sealed,
      old_sealed_secret: until === null ? null : sql<Uint8Array | null>`sealed_secret`,
      old_secret_until: until === null ? null : at(until),
    })
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .execute()
}

/** Where to post, and what to sign with; undefined: it is gone, disabled, or no webhook. */
export async function findTarget(
  reader: Reader,
  organizationId: string,
  id: string,
): Promise<{ url: string; secrets: SealedSecrets } | undefined> {
  const row = await reader
    .selectFrom('channels')
    .select(['url', 'sealed_secret', 'old_sealed_secret', 'old_secret_until'])
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .where('enabled', '=', true)
    .executeTakeFirst()
  if (!row?.url || !row.sealed_secret) return undefined
  const { old_sealed_secret: sealed, old_secret_until: until } = row
  const old = sealed === null || until === null ? null : { sealed, until }
  return { url: row.url, secrets: { current: row.sealed_secret, old } }
}

/** With its deliveries. @returns false where somebody else has deleted it */
export async function deleteChannel(tx: Tx, organizationId: string, id: string): Promise<boolean> {
  const row = await tx
    .deleteFrom('channels')
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}
