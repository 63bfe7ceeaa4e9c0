import type { Instant } from '../kernel/instant.ts'
import type { Tx } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'

export interface PortalLink {
  readonly id: string
  readonly organizationId: string
  readonly personId: string
  readonly sessionSeconds: number
}

/** @param digest SHA-256 of the token */
export async function insertLink(
  tx: Tx,
  link: PortalLink & { readonly createdAt: Instant; readonly expiresAt: Instant },
  digest: Uint8Array,
): Promise<void> {
  await tx
    .insertInto('portal_links')
    .values({
      id: link.id,
      organization_id: link.organizationId,
      person_id: link.personId,
      token_digest: digest,
      session_seconds: link.sessionSeconds,
      created_at: at(link.createdAt),
      expires_at: at(link.expiresAt),
    })
    .execute()
}

/** Uses a link up: of two that come with it at once one gets it. */
export async function takeLink(tx: Tx, digest: Uint8Array, now: Instant): Promise<PortalLink | undefined> {
  const row = await tx
    .updateTable('portal_links')
    .set({ used_at: at(now) })
    .where('token_digest', '=', digest)
    .where('used_at', 'is', null)
    .where('expires_at', '>', at(now))
    .returningAll()
    .executeTakeFirst()
  return (
    row && {
      id: row.id,
      organizationId: row.organization_id,
      personId: row.person_id,
      sessionSeconds: row.session_seconds,
    }
  )
}
