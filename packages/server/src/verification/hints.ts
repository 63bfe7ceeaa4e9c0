import type { VerdictCode } from '@keyturn/contract'
import { formatInstant, type Instant } from '../kernel/instant.ts'
import { endOf } from '../keys/secret.ts'
import type { VerifyDemand, VerifyRecord } from './decide.ts'

type Explain = (record: VerifyRecord, demand: VerifyDemand) => string | null

const when = (instant: Instant) => formatInstant(instant) ?? 'never'

/** Why a request was refused and what to do about it, for whoever holds the real secret. */
const hints = {
  VALID: () => null,
  MALFORMED: () => null,
  NOT_FOUND: () => 'No key with this value is known here. It may belong to another account or installation.',
  REVOKED: ({ key }) => `Key ${key.id} was revoked, which is for ever. Ask its owner for another key.`,
  ROTATED: ({ key, secret }) =>
    `Key ${key.id} has a newer secret; this one ended at ${when(endOf(secret))}. Put the new one in place.`,
  EXPIRED: ({ key, secret }) =>
    `The secret of key ${key.id} expired at ${when(endOf(secret))}. Rotate the key to give it a new one.`,
  DISABLED: ({ key }) => `Key ${key.id} is disabled. An administrator can enable it again.`,
  API_ACCESS_DISABLED: () =>
    'API access is switched off for the whole organization or project. An administrator can switch it on.',
  WRONG_PROJECT: ({ key, projectSlug }) =>
    `Key ${key.id} belongs to project ${projectSlug}, not to the one that was asked for.`,
  WRONG_KIND: ({ key }) => `Key ${key.id} is of kind ${key.kind}, which this call does not accept.`,
  IP_NOT_ALLOWED: ({ key }, { ip }) =>
    ip === undefined
      ? `Key ${key.id} is bound to certain addresses, and the verify call did not say which address the request came from.`
      : `Key ${key.id} may not be used from ${ip}.`,
  INSUFFICIENT_SCOPE: ({ key }, { scopes }) =>
    `Key ${key.id} lacks the scope ${(scopes ?? []).filter((scope) => !key.scopes.includes(scope)).join(', ')}.`,
  RATE_LIMITED: () => null,
  QUOTA_EXCEEDED: () => null,
} satisfies Record<VerdictCode, Explain>

export function hintFor(code: VerdictCode, record: VerifyRecord, demand: VerifyDemand): string | null {
  const explain: Explain = hints[code]
  return explain(record, demand)
}
