import { DomainError } from '../kernel/errors.ts'
import type { Instant } from '../kernel/instant.ts'
import { readPolicies } from '../organizations/find.ts'
import type { EffectivePolicy } from '../organizations/policy.ts'
import type { Reader } from '../storage/database.ts'
import type { Key } from './key.ts'
import { findKeys } from './key-store.ts'
import { adviceOn, type Warning } from './name-advice.ts'
import { listSecretsOf, type SecretWithUse } from './view-store.ts'

export type { SecretWithUse } from './view-store.ts'

/** A key with all that a person sees of it, at a time. */
export interface KeyView {
  readonly key: Key
  /** Newest first. */
  readonly secrets: readonly SecretWithUse[]
  readonly policy: EffectivePolicy
  readonly warnings: readonly Warning[]
  readonly now: Instant
}

/** @param warnings what was found besides, when the key was made or changed */
export async function viewKey(
  reader: Reader,
  key: Key,
  now: Instant,
  warnings: readonly Warning[] = [],
): Promise<KeyView> {
  const [view] = await viewKeys(reader, [key], now)
  if (!view) throw new Error('a key was given, but no view of it came back')
  return { ...view, warnings: [...view.warnings, ...warnings] }
}

/** Those that are there, by their ids. */
export async function viewKeysById(
  reader: Reader,
  organizationId: string,
  keyIds: readonly string[],
  now: Instant,
): Promise<Map<string, KeyView>> {
  const views = await viewKeys(reader, await findKeys(reader, organizationId, keyIds), now)
  return new Map(views.map((view) => [view.key.id, view]))
}

/** In the order given. One query for all secrets, and two for the policies of each organization among them, mostly one. */
export async function viewKeys(reader: Reader, keys: readonly Key[], now: Instant): Promise<KeyView[]> {
  const secrets = Map.groupBy(
    await listSecretsOf(
      reader,
      keys.map((key) => key.id),
    ),
    (secret) => secret.keyId,
  )
  const policies = new Map<string, EffectivePolicy>()
  for (const [organizationId, ofOrganization] of Map.groupBy(keys, (key) => key.organizationId)) {
    const projectIds = [...new Set(ofOrganization.map((key) => key.projectId))]
    for (const [id, policy] of await readPolicies(reader, organizationId, projectIds)) policies.set(id, policy)
  }
  return keys.map((key) => {
    const policy = policies.get(key.projectId)
    if (!policy) throw new DomainError('project_not_found')
    return {
      key,
      secrets: secrets.get(key.id) ?? [],
      policy,
      // Whoever looks at thousands of keys asks for it of none.
      get warnings() {
        return adviceOn(key)
      },
      now,
    }
  })
}
