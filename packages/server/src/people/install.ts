import { recordChange } from '../audit/record-change.ts'
import { sha256 } from '../kernel/digest.ts'
import { StartError } from '../kernel/errors.ts'
import type { MasterKey } from '../kernel/master-key.ts'
import type { SecretValue } from '../kernel/secret-value.ts'
import { insertNewOrganization } from '../organizations/create-organization.ts'
import { insertProjectWithLegacyKey } from '../organizations/create-project.ts'
import type { Tx } from '../storage/database.ts'
import type { Call, Ground } from './call.ts'
import * as store from './installation-store.ts'

/** What Keyturn does by itself. */
export function systemCall(ground: Ground): Call {
  const actor = { type: 'system', id: null, name: 'Keyturn' } as const
  return {
    ...ground,
    caller: { actor, organizationId: null, projects: null, scopes: 'all' },
    requestId: null,
    address: null,
  }
}

/** How a root key comes to be where there is none. */
export interface RootKeySource {
  /** The value that is set, if one is. */
  readonly set: SecretValue | null
  /** The value, and how to keep it where people find it: called before the commit, so that no key is valid that nobody can find. */
  make(): { value: SecretValue; keep: () => void }
}

/** made: by this very process. kept: there was one. differs: there was one, and what is set is another and does not count. */
export type RootKeyState = 'made' | 'kept' | 'differs'

/**
 * The first start: the installation, its root key, an organization `default` with a project `default`. Any number of processes may
 * come here at once: one does it, the others wait for that and find it done.
 *
 * @throws StartError where this process has another master key than the installation
 */
export async function install(ground: Ground, masterKey: MasterKey, rootKey: RootKeySource): Promise<RootKeyState> {
  const call = systemCall(ground)
  return call.change(async (tx) => {
    const isNew = await store.insertInstallation(tx, masterKey.checkValue(), await call.now(tx))
    const { masterKeyCheck, rootKeyDigest } = await store.lockInstallation(tx)
    if (Buffer.compare(masterKeyCheck, masterKey.checkValue()) !== 0) {
      throw new StartError(
        'KEYTURN_MASTER_KEY is not the one this database was made with; set the former one, or restore the file master-key of the data directory.',
      )
    }
    const now = await call.now(tx)
    if (isNew) {
      await recordInstallation(tx, call, now, 'installation.created')
      const organization = await insertNewOrganization(tx, call, now, { name: 'Default', slug: 'default' })
      await insertProjectWithLegacyKey(tx, call, organization, now, { name: 'Default', slug: 'default' })
    }
    if (rootKeyDigest !== null) return isOther(rootKey.set, rootKeyDigest) ? 'differs' : 'kept'
    await setRootKey(tx, call, now, rootKey, 'root_key.created')
    return 'made'
  })
}

const isOther = (set: SecretValue | null, digest: Uint8Array) =>
  set !== null && Buffer.compare(sha256(set.reveal()), digest) !== 0

/** A new root key in place of a lost one, which ends at once. */
export async function replaceRootKey(ground: Ground, rootKey: RootKeySource): Promise<void> {
  const call = systemCall(ground)
  await call.change(async (tx) => {
    await store.lockInstallation(tx)
    await setRootKey(tx, call, await call.now(tx), rootKey, 'root_key.replaced')
  })
}

async function setRootKey(
  tx: Tx,
  call: Call,
  now: number,
  source: RootKeySource,
  action: 'root_key.created' | 'root_key.replaced',
): Promise<void> {
  const { value, keep } = source.make()
  await store.setRootKeyDigest(tx, sha256(value.reveal()))
  await recordInstallation(tx, call, now, action)
  keep()
}

async function recordInstallation(
  tx: Tx,
  call: Call,
  now: number,
  action: 'installation.created' | 'root_key.created' | 'root_key.replaced',
): Promise<void> {
  await recordChange(tx, call, now, {
    action,
    organizationId: null,
    projectId: null,
    target: { type: 'installation', id: 'installation', name: 'Keyturn' },
    before: null,
    after: null,
    affects: action === 'installation.created' ? null : { kind: 'root_key', id: 'root_key' },
  })
}
