import type { Instant } from './instant.ts'
import { pooledOctets } from './random.ts'

const prefixes = {
  organization: 'org',
  project: 'prj',
  key: 'key',
  secret: 'sec',
  claimLink: 'clm',
  feedToken: 'fdt',
  trackedCredential: 'trc',
  channel: 'chn',
  delivery: 'dlv',
  reminder: 'rem',
  notice: 'ntc',
  mail: 'mail',
  request: 'req',
  node: 'node',
  person: 'per',
  session: 'ses',
  invitation: 'inv',
  portalLink: 'ptl',
  account: 'acc',
  verification: 'ver',
  twoFactor: 'tfa',
  signingKey: 'sgk',
  statusList: 'stl',
} as const
export type IdKind = keyof typeof prefixes

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/**
 * A new id: its kind, 10 characters of time, 16 random ones (80 bits), as ULIDs are built. Ids made later sort later, so that
 * rows made together lie together in every index.
 */
export function newId(kind: IdKind, now: Instant): string {
  let time = ''
  for (let rest = now, place = 0; place < 10; place++, rest = Math.floor(rest / 32)) time = alphabet[rest % 32] + time
  let random = ''
  for (const octet of pooledOctets(16)) random += alphabet[octet & 31]
  return `${prefixes[kind]}_${time}${random}`
}

/** Ids have an underscore, slugs never do. */
export function isIdOf(kind: IdKind, text: string): boolean {
  return text.startsWith(`${prefixes[kind]}_`)
}
