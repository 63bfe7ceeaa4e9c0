import type { VerdictCode } from '@keyturn/contract'
import { formatInstant, type Instant } from '../kernel/instant.ts'
import type { Charge } from '../limits/limit.ts'
import type { VerifyDemand, VerifyRecord } from './decide.ts'

type Explain = (record: VerifyRecord, demand: VerifyDemand, charge: Charge | null) => string | null

const when = (instant: Instant) => formatInstant(instant) ?? 'never'

/** Why a request was refused and what to do about it, for whoever holds the real secret. */
const hints = {
  VALID: () => null,
  MALFORMED: () => null,
  NOT_FOUND: () => 'No key with this value is known here. It may belong to another account or installation.',
  REVOKED: ({ keyId }) => `Key ${keyId} was revoked, which is for ever. Ask its owner for another key.`,
  ROTATED: ({ keyId, end }) =>
    `Key ${keyId} has a newer secret; this one ended at ${when(end)}. Put the new one in place.`,
  EXPIRED: ({ keyId, end }) =>
    `The secret of key ${keyId} expired at ${when(end)}. Rotate the key to give it a new one.`,
  DISABLED: ({ keyId }) => `Key ${keyId} is disabled. An administrator can enable it again.`,
  API_ACCESS_DISABLED: () =>
    'API access is switched off for the whole organization or project. An administrator can switch it on.',
  WRONG_PROJECT: ({ keyId, project }) =>
    `Key ${keyId} belongs to project ${project.projectSlug}, not to the one that was asked for.`,
  WRONG_KIND: ({ keyId, kind }) => `Key ${keyId} is of kind ${kind}, which this call does not accept.`,
  IP_NOT_ALLOWED: ({ keyId }, { ip }) =>
    ip === undefined
      ? `Key ${keyId} is bound to certain addresses, and the verify call did not say which address the request came from.`
      : `Key ${keyId} may not be used from ${ip}.`,
  INSUFFICIENT_SCOPE: ({ keyId, scopes: held }, { scopes }) =>
    `Key ${keyId} lacks the scope ${(scopes ?? []).filter((scope) => !held.includes(scope)).join(', ')}.`,
  RATE_LIMITED: ({ keyId }, { cost = 1 }, charge) => {
    const full = charge?.windows?.windows.filter(({ remaining }) => remaining < cost) ?? []
    const named = full
      .map(({ window }) => `${window.limit} ${window.limit === 1 ? 'call' : 'calls'} in ${window.window_seconds} s`)
      .join(' and ')
    const retryAt = charge?.windows?.retryAt ?? null
    return retryAt === null
      ? `Key ${keyId} may make ${named}, and this call costs ${cost}: it can never pass.`
      : `Key ${keyId} may make ${named}, and too few of them are left. Try again at ${when(retryAt)}.`
  },
  QUOTA_EXCEEDED: ({ keyId }, { cost = 1 }, charge) => {
    const left = charge?.quota
    if (!left) return null
    const named = `${left.quota.limit} ${left.quota.refill === 'daily' ? 'a day' : 'a month'}`
    if (left.outage) return `The quota of key ${keyId} cannot be counted right now. Try again in a moment.`
    return left.retryAt === null
      ? `Key ${keyId} has a quota of ${named}, and this call costs ${cost}: it can never pass.`
      : `Key ${keyId} has a quota of ${named}, and too little of it is left. It is refilled at ${when(left.refillsAt)}.`
  },
} satisfies Record<VerdictCode, Explain>

export function hintFor(
  code: VerdictCode,
  record: VerifyRecord,
  demand: VerifyDemand,
  charge: Charge | null = null,
): string | null {
  const explain: Explain = hints[code]
  return explain(record, demand, charge)
}
