import type { FindingCode } from '@keyturn/contract'
import { formatTime, type Instant } from '../kernel/instant.ts'
import type { KeyView } from '../keys/view-keys.ts'

/** Something about a key that somebody should look at. */
export interface Finding {
  readonly code: FindingCode
  readonly view: KeyView
  readonly detail: string
}

export const whatToDo = {
  ended_secret_called:
    'Somebody has not moved to a newer secret. The last addresses are in GET /v1/keys/{key}/rotation: find them there, and hand the new secret over.',
  nobody_would_be_told: 'Set an owner or a contact, or a notification_email on the organization.',
  owner_gone:
    'Make somebody else its owner, who is told of its end: PATCH /v1/keys/{key}. They were shown its value, perhaps: rotate it.',
  many_networks:
    'Ask the owner whether all of them are theirs. If not, the secret has leaked: rotate it. Else set allowed_ips, or make a key for each.',
  never_expires: 'Rotate it to a secret with an expiry: POST /v1/keys/{key}/rotate with expires_in.',
  unused:
    'Ask the owner whether it is still needed. Disable it first, which can be undone; revoke it when nobody misses it.',
  never_used: 'Ask whoever made it whether it is needed at all, and revoke it if not.',
  review_due: 'Check owner, scopes and use, then POST /v1/keys/{key}/review.',
  duplicate_name: 'Rename one of them, or revoke the one that is not needed: nobody can tell which is which.',
  vague_name: 'Name the integration and its environment, as "Zapier, production": PATCH /v1/keys/{key}.',
  legacy_key_called:
    'Make a publishable key of its own for each browser or app, and move them, so that each can be told apart and ended.',
} as const satisfies Record<FindingCode, string>

const day = 86_400_000

/** What was found, in a sentence. */
export function detailOf(code: FindingCode, view: KeyView, networks: number): string {
  const { key, secrets, policy, now } = view
  const ago = (time: Instant) => `${Math.floor((now - time) / day)} days ago`
  const lastUse = Math.max(...secrets.map(({ lastUsedAt }) => lastUsedAt ?? 0))
  const lastRefusal = Math.max(...secrets.map(({ lastRefused }) => lastRefused?.at ?? 0))
  const details = {
    ended_secret_called: () => `A secret of it that has ended was called at ${formatTime(lastRefusal)}.`,
    nobody_would_be_told: () => 'It has no owner and no contact, and the organization has no notification_email.',
    owner_gone: () => `Its owner, ${key.owner}, is not a member any more.`,
    many_networks: () => `It was called from ${networks} networks in the last 30 days.`,
    never_expires: () => 'It never expires.',
    unused: () => `It was last called ${ago(lastUse)}.`,
    never_used: () => `It was made ${ago(key.createdAt)} and never called.`,
    review_due: () =>
      key.reviewedAt === null
        ? `It was made ${ago(key.createdAt)} and never reviewed.`
        : `It was last reviewed ${ago(key.reviewedAt)}; the policy wants that every ${Math.round((policy.review_every ?? 0) / 86_400)} days.`,
    duplicate_name: () => 'Another active key of its project has the same name.',
    vague_name: () => 'Its name does not say what it is for.',
    legacy_key_called: () => `The key that its project was born with was last called ${ago(lastUse)}.`,
  } satisfies Record<FindingCode, () => string>
  return details[code]()
}

export const manyNetworks = 4
export const lookBackMs = 30 * day

interface Seen {
  readonly address: string
  readonly at: Instant
}

/** Addresses of one site differ in their last part: of IPv4 the first three octets are the network, of IPv6 the first three groups. */
export function countNetworks(seen: readonly Seen[], now: Instant): number {
  const recent = seen.filter(({ at }) => at >= now - lookBackMs)
  return new Set(recent.map(({ address }) => networkOf(address))).size
}

function networkOf(address: string): string {
  const v4 = /^(?:::ffff:)?(\d+\.\d+\.\d+)\.\d+$/i.exec(address)?.[1]
  if (v4 !== undefined) return v4
  const [head = ''] = address.toLowerCase().split('::')
  return [...head.split(':'), '', '', ''].slice(0, 3).join(':')
}
