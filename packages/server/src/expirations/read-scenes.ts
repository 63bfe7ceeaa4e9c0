import { isIdOf } from '../kernel/ids.ts'
import type { Instant } from '../kernel/instant.ts'
import { viewKeysById } from '../keys/view-keys.ts'
import { readPolicies } from '../organizations/find.ts'
import type { Organization } from '../organizations/organization.ts'
import { effectivePolicy } from '../organizations/policy.ts'
import type { Reader } from '../storage/database.ts'
import { findCredentials } from './expiration-store.ts'
import { findKeysOfSecrets } from './reminder-store.ts'
import { type Scene, sceneOfCredential, sceneOfSecret } from './scene.ts'

/** Of secrets and tracked credentials those of which something may be told, by their ids. In a few queries, however many there are. */
export async function readScenes(
  reader: Reader,
  organization: Organization,
  subjectIds: readonly string[],
  now: Instant,
): Promise<Map<string, Scene>> {
  const secretIds = subjectIds.filter((id) => isIdOf('secret', id))
  const credentialIds = subjectIds.filter((id) => isIdOf('trackedCredential', id))
  return new Map([
    ...(await readSecrets(reader, organization, secretIds, now)),
    ...(await readCredentials(reader, organization, credentialIds)),
  ])
}

async function readSecrets(reader: Reader, { id }: Organization, secretIds: readonly string[], now: Instant) {
  const scenes = new Map<string, Scene>()
  if (secretIds.length === 0) return scenes
  const keyOf = await findKeysOfSecrets(reader, id, secretIds)
  const views = await viewKeysById(reader, id, [...new Set(keyOf.values())], now)
  for (const [secretId, keyId] of keyOf) {
    const view = views.get(keyId)
    const scene = view && sceneOfSecret(view, secretId)
    if (scene) scenes.set(secretId, scene)
  }
  return scenes
}

async function readCredentials(reader: Reader, organization: Organization, credentialIds: readonly string[]) {
  const scenes = new Map<string, Scene>()
  if (credentialIds.length === 0) return scenes
  const credentials = await findCredentials(reader, organization.id, credentialIds)
  const projectIds = [...credentials.values()].flatMap(({ projectId }) => (projectId === null ? [] : [projectId]))
  const policies = await readPolicies(reader, organization.id, [...new Set(projectIds)])
  const ofOrganization = effectivePolicy(organization.policy)
  for (const [id, credential] of credentials) {
    const policy = (credential.projectId === null ? undefined : policies.get(credential.projectId)) ?? ofOrganization
    scenes.set(id, sceneOfCredential(credential, policy))
  }
  return scenes
}
