import type { AuditAction, ExpirationType, FindingCode, KeyKind, KeyStatus, Role, VerdictCode } from '@keyturn/contract'

export const count = (number: number, one: string, many = `${one}s`): string =>
  `${number.toLocaleString()} ${number === 1 ? one : many}`

export const kindWords = {
  secret: { name: 'Secret', about: 'For servers. Its value is shown once; only a fingerprint is kept.' },
  publishable: {
    name: 'Publishable',
    about: 'For browsers and apps. It names a project, proves nothing, and can be shown again.',
  },
  jwt: {
    name: 'JWT',
    about:
      'For whoever cannot ask: a signed token, verified offline by anybody with the public keys. Its end is in the token: it is rotated, never extended. Offline, a revocation is learnt of within two minutes.',
  },
} as const satisfies Record<KeyKind, { name: string; about: string }>

export const statusWords = {
  active: 'Active',
  disabled: 'Disabled',
  expired: 'Expired',
  revoked: 'Revoked',
} as const satisfies Record<KeyStatus, string>

export const roleWords = {
  owner: { name: 'Owner', about: 'Everything, and makes other owners.' },
  admin: { name: 'Administrator', about: 'Keys, projects, policy, members, management keys.' },
  manager: { name: 'Manager', about: 'Creates, extends, rotates, revokes and deletes keys.' },
  member: { name: 'Member', about: 'Sees keys; edits and rotates those that they own.' },
  auditor: { name: 'Auditor', about: 'Reads everything, the audit trail and members too; changes nothing.' },
} as const satisfies Record<Role, { name: string; about: string }>

export const findingWords = {
  ended_secret_called: 'Ended, but still called',
  nobody_would_be_told: 'Nobody would be told',
  owner_gone: 'The owner has left',
  many_networks: 'Called from many networks',
  never_expires: 'Never expires',
  unused: 'Not used for long',
  never_used: 'Never used',
  review_due: 'Review due',
  duplicate_name: 'Name is there twice',
  vague_name: 'Name says little',
  legacy_key_called: 'Legacy key still called',
} as const satisfies Record<FindingCode, string>

export const expirationWords = {
  expiry: 'Ends',
  overlap_end: 'Old secret ends',
  rotation_due: 'Rotation due',
} as const satisfies Record<ExpirationType, string>

/** For whoever asks why an integration is refused. */
export const verdictWords = {
  VALID: 'It works',
  MALFORMED: 'It is not written as a key is',
  NOT_FOUND: 'No key has this value',
  REVOKED: 'It was revoked',
  ROTATED: 'It was replaced by a newer one',
  EXPIRED: 'It has expired',
  DISABLED: 'Its key is disabled',
  API_ACCESS_DISABLED: 'API access is switched off',
  WRONG_PROJECT: 'It belongs to another project',
  WRONG_KIND: 'It is of another kind than is wanted',
  IP_NOT_ALLOWED: 'It may not be used from that address',
  INSUFFICIENT_SCOPE: 'It lacks a scope',
  RATE_LIMITED: 'It is called too often',
  QUOTA_EXCEEDED: 'Its quota is used up',
} as const satisfies Record<VerdictCode, string>

/** "key.rotation_finished" as people say it. */
export const actionWords: Partial<Record<AuditAction, string>> = {
  'key.created': 'created',
  'key.updated': 'edited',
  'key.extended': 'extended',
  'key.rotated': 'rotated',
  'key.secret_staged': 'second secret staged',
  'key.promoted': 'staged secret promoted',
  'key.rotation_finished': 'rotation finished',
  'key.rotation_cancelled': 'rotation taken back',
  'key.secret_revoked': 'secret revoked',
  'key.claim_link_created': 'claim link made',
  'key.claim_link_withdrawn': 'claim link withdrawn',
  'key.secret_claimed': 'secret claimed by its link',
  'key.disabled': 'disabled',
  'key.enabled': 'enabled',
  'key.revoked': 'revoked',
  'key.reviewed': 'reviewed',
  'key.change_requested': 'asked to be changed',
  'key.deleted': 'deleted',
  'key.expiring': 'its end comes near',
  'key.expired': 'ended',
  'key.used_after_end': 'called after its end',
  'reminder.acknowledged': 'reminders acknowledged',
  'key.imported': 'imported',
  'secret.shown': 'value shown',
  'call.refused': 'call refused',
}

export const actionInWords = (action: string): string =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- another action is found in no table, and is said as it is
  actionWords[action as AuditAction] ?? action.replaceAll(/[._]/g, ' ')

export const sentence = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`

/** "owner or administrator", from the least powerful to the most. */
export function rolesInWords(roles: readonly Role[]): string {
  const names = roles.map((role) => roleWords[role].name.toLowerCase())
  return names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
}
