import { type KeyEdit, managementScopes } from '@keyturn/contract'
import { differences } from '../audit/record-change.ts'
import { DomainError } from '../kernel/errors.ts'
import { inOrder } from '../limits/limit.ts'
import { readProject } from '../organizations/find.ts'
import type { Call } from '../people/call.ts'
import { requireAtLeast } from '../people/permissions.ts'
import { refuseLongToken } from '../signing/claims.ts'
import { normaliseNetworks } from '../verification/networks.ts'
import { changeKey } from './change-key.ts'
import type { Key } from './key.ts'
import { findNamesake, listSecrets } from './key-store.ts'
import { duplicateName, rotationAdvised, tokenKeepsScopes, type Warning } from './name-advice.ts'
import { refuseName } from './name-policy.ts'
import { searchLexemes } from './search-words.ts'
import { refuseToChange } from './state.ts'
import type { KeyView } from './view-keys.ts'

/**
 * Changes what is given of what people and products say about a key. Never its value, nor when it ends.
 *
 * @throws DomainError key_not_found, key_revoked, invalid_request, name_does_not_match_policy, name_is_vague,
 *   cannot_give_more_than_you_have, jwt_too_long
 */
export function editKey(call: Call, keyId: string, edit: KeyEdit): Promise<KeyView> {
  return changeKey(call, keyId, async (key, now, tx) => {
    const refusal = refuseToChange(key)
    if (refusal) throw new DomainError(refusal)
    const edited = apply(key, edit)
    if (edited.name !== key.name) {
      refuseName(edited.name, (await readProject(tx, key.organizationId, key.projectId)).policy)
    }
    if (key.management) {
      refuseScopes(call, key, edited)
      refuseLimits(edited)
    }
    if (key.kind === 'jwt') refuseLongToken(edited.scopes, call.tokens.issuer)
    const changed = differences(described(key), described(edited))
    if (!changed) return null

    const warnings: Warning[] = []
    const namesake = edited.name === key.name ? undefined : await findNamesake(tx, key.organizationId, edited, now)
    if (namesake) warnings.push(duplicateName(namesake))
    if (edited.owner !== key.owner && key.owner !== null) warnings.push(rotationAdvised)
    if (key.kind === 'jwt' && 'scopes' in changed.after) warnings.push(tokenKeepsScopes)
    const hints = (await listSecrets(tx, key.organizationId, key.id)).map((secret) => secret.hint)
    return {
      action: 'key.updated',
      set: edited,
      searchLexemes: searchLexemes(key.organizationId, { ...edited, hints }),
      ...changed,
      // Name, owner, scopes and metadata are in the verdict; only these two change nothing that a verdict says.
      affectsVerdicts: Object.keys(changed.after).some((field) => field !== 'purpose' && field !== 'contact'),
      warnings,
    }
  })
}

function apply(key: Key, edit: KeyEdit): Key {
  return {
    ...key,
    name: edit.name ?? key.name,
    purpose: edit.purpose === undefined ? key.purpose : edit.purpose || null,
    owner: edit.owner === undefined ? key.owner : edit.owner,
    contact: edit.contact === undefined ? key.contact : edit.contact,
    scopes: edit.scopes ?? key.scopes,
    allowedIps: edit.allowed_ips ? normaliseNetworks(edit.allowed_ips) : key.allowedIps,
    metadata: edit.metadata ?? key.metadata,
    rateLimit: edit.rate_limit === undefined ? key.rateLimit : inOrder(edit.rate_limit),
    quota: edit.quota === undefined ? key.quota : edit.quota,
  }
}

/** What of a key can be edited, with the names of the API. */
const described = (key: Key) => ({
  name: key.name,
  purpose: key.purpose,
  owner: key.owner,
  contact: key.contact,
  scopes: key.scopes,
  allowed_ips: key.allowedIps,
  metadata: key.metadata,
  rate_limit: key.rateLimit,
  quota: key.quota,
})

/** No verdict is asked about a management key: a limit on it would be a promise that nobody keeps. */
function refuseLimits(edited: Key): void {
  const path = edited.rateLimit !== null ? 'rate_limit' : edited.quota !== null ? 'quota' : undefined
  if (path === undefined) return
  throw new DomainError('invalid_request', { errors: [{ path, detail: 'a management key has none; leave it out' }] })
}

/** Scopes of a management key are Keyturn's own words, those of other keys are words of the product. */
function refuseScopes(call: Call, key: Key, edited: Key): void {
  const isKnown = (scope: string) => managementScopes.some((known) => known === scope)
  if (edited.scopes.length === 0 || !edited.scopes.every(isKnown)) {
    const detail = `must be one or more of ${managementScopes.join(', ')} for a management key`
    throw new DomainError('invalid_request', { errors: [{ path: 'scopes', detail }] })
  }
  requireAtLeast(call.caller, edited.scopes, key.management?.projects ?? null)
}
