import type { Instant } from '../kernel/instant.ts'
import type { Tx } from '../storage/database.ts'
import { at } from '../storage/driver-values.ts'

export async function insertView(
  tx: Tx,
  organizationId: string,
  view: { readonly secretId: string; readonly keyId: string; readonly viewer: string; readonly at: Instant },
): Promise<void> {
  await tx
    .insertInto('secret_views')
    .values({
      secret_id: view.secretId,
      viewer: view.viewer,
      key_id: view.keyId,
      organization_id: organizationId,
      shown_at: at(view.at),
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}
