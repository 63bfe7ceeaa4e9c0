import { DomainError } from '../kernel/errors.ts'
import { readProject } from '../organizations/find.ts'
import type { Organization, Project } from '../organizations/organization.ts'
import type { Ground } from '../people/call.ts'
import type { Finding, Verifier } from '../verification/verifier.ts'
import { toVerdict } from '../verification/verify.ts'
import { findKey } from './key-store.ts'
import { type KeyView, type SecretWithUse, viewKey } from './view-keys.ts'

/** What somebody learns of the key that they hold. */
export interface OwnKey {
  readonly finding: Finding
  /** The one that was presented. */
  readonly secret: SecretWithUse
  readonly view: KeyView
  readonly organization: Organization
  readonly project: Project
}

/**
 * For whoever presents a real secret. Who presents a value that no key has learns nothing but why it is none.
 *
 * @throws DomainError invalid_token with the verdict and the reason, publishable_key_refused: that value everybody can read
 */
export async function readOwnKey(
  ground: Ground,
  verifier: Verifier,
  presented: string,
  address: string | null,
): Promise<OwnKey> {
  const demand = { kinds: ['secret', 'jwt', 'publishable'] as const, ...(address !== null && { ip: address }) }
  const finding = await verifier.inspect(presented, demand, () => true)
  const { record } = finding
  if (record?.kind === 'publishable') throw new DomainError('publishable_key_refused')
  if (finding.code !== 'VALID' || !record) {
    const { valid, key, secret, expires_at } = toVerdict(finding)
    throw new DomainError('invalid_token', {
      reason: finding.hint,
      verdict: { valid, code: finding.code, key, secret, expires_at },
    })
  }
  const { organizationId, projectId } = record.project
  const { reader } = ground
  const key = await findKey(reader, organizationId, record.keyId)
  if (!key) throw new DomainError('invalid_token', {})
  const { organization, project } = await readProject(reader, organizationId, projectId)
  const view = await viewKey(reader, key, await ground.now(reader))
  const secret = view.secrets.find(({ id }) => id === record.secretId)
  if (!secret) throw new DomainError('invalid_token', {})
  return { finding, secret, view, organization, project }
}
