import { sha256 } from '../kernel/digest.ts'
import { DomainError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import type { SecretValue } from '../kernel/secret-value.ts'
import { type ChangedKey, changeSecrets } from '../keys/change-secrets.ts'
import { readKey } from '../keys/find-key.ts'
import { normalise } from '../keys/slots.ts'
import type { KeyView } from '../keys/view-keys.ts'
import { readProject } from '../organizations/find.ts'
import type { Organization, Project } from '../organizations/organization.ts'
import type { Call, Caller, Ground } from '../people/call.ts'
import type { ClaimLink } from './claim-link.ts'
import * as store from './claim-link-store.ts'
import { planClaim, type Standing, standingOf } from './claim-rules.ts'
import { claimLinkEnded } from './manage-claim-links.ts'

/** What somebody with the link may know of what it is about. */
export interface OpenedClaimLink {
  readonly link: ClaimLink
  readonly standing: Standing
  readonly view: KeyView
  readonly organization: Organization
  readonly project: Project
}

/**
 * Looks at a link, and changes nothing: whatever follows links in mails does this much. One that nobody was given, and one of a
 * deleted key, is not there.
 *
 * @throws DomainError claim_link_not_found
 */
export async function openClaimLink(ground: Ground, token: SecretValue): Promise<OpenedClaimLink> {
  const found = await findLink(ground, token)
  const call = callOf(ground, found, { requestId: null, address: null })
  const view = await readKey(call, found.keyId).catch((error: unknown) => {
    throw missing(error)
  })
  // Once more, after the secrets: one that was staged meanwhile by this very link must not look like somebody else's.
  const link = await findLink(ground, token)
  const standing = standingOf(link, view.key, normalise(view.secrets, view.now), view.now)
  return { link, standing, view, ...(await readProject(ground.reader, link.organizationId, view.key.projectId)) }
}

/**
 * Uses the link up and makes the secret, both or neither: the answer to this is the only one that has the value, and of two at
 * once one gets it.
 *
 * @throws DomainError claim_link_not_found, claim_link_ended, key_revoked, key_changed, active_key_limit_reached, and as `planClaim`
 */
export async function claimSecret(
  ground: Ground,
  token: SecretValue,
  origin: Pick<Call, 'requestId' | 'address'>,
): Promise<ChangedKey> {
  const link = await findLink(ground, token)
  return changeSecrets(callOf(ground, link, origin), link.keyId, async (scene, tx) => {
    const secretId = newId('secret', scene.now)
    if (!(await store.claim(tx, link.organizationId, link.id, secretId, scene.now))) {
      const ended = await store.findClaimLink(tx, link.organizationId, link.keyId, link.id)
      throw claimLinkEnded(ended ?? link)
    }
    return planClaim(scene, link, secretId)
  })
}

async function findLink({ reader }: Ground, token: SecretValue): Promise<ClaimLink> {
  const link = await store.findClaimLinkByToken(reader, sha256(token.reveal()))
  if (!link) throw new DomainError('claim_link_not_found')
  return link
}

/** The link as a caller: within its organization, with what a claim takes. It was made by somebody who had as much. */
function callOf(ground: Ground, link: ClaimLink, origin: Pick<Call, 'requestId' | 'address'>): Call {
  const caller: Caller = {
    actor: { type: 'claim_link', id: link.id, name: `Claim link of ${link.createdBy.name}` },
    organizationId: link.organizationId,
    projects: null,
    scopes: new Set(['keys:read', 'keys:write']),
  }
  return { ...ground, ...origin, caller }
}

/** Of a deleted key nothing is said, not even that there was one. */
const missing = (error: unknown) =>
  error instanceof DomainError && error.code === 'key_not_found' ? new DomainError('claim_link_not_found') : error
