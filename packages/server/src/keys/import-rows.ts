import { digestEncodingOf, type ImportedKey } from '@keyturn/contract'
import { sha256 } from '../kernel/digest.ts'
import { DomainError } from '../kernel/errors.ts'
import type { Instant } from '../kernel/instant.ts'
import type { EffectivePolicy } from '../organizations/policy.ts'
import { explainMiss } from './format.ts'
import { endOfNewSecret } from './lifetime.ts'
import { isVague } from './name-advice.ts'

/** A row as it was sent: what its schema made of it, or what it found wrong. */
export type SentRow =
  | { readonly line: number; readonly row: ImportedKey }
  | { readonly line: number; readonly faults: readonly RowFault[] }

/** What stands against a row: a rule that a single key would be refused by, too, or something about importing. */
export interface RowFault {
  readonly field: string | null
  readonly reason: string | DomainError
}

/** All that stands against an import: not one of its rows was made. */
export class ImportRefused extends Error {
  readonly rows: readonly { readonly line: number; readonly fault: RowFault }[]

  constructor(rows: ImportRefused['rows']) {
    super(`${rows.length} rows of an import were refused`)
    this.name = 'ImportRefused'
    this.rows = rows.toSorted((a, b) => a.line - b.line)
  }
}

/** Which secret a digest belongs to already. */
export interface KnownSecret {
  readonly keyId: string
  readonly projectId: string
  readonly organizationId: string
  readonly name: string
  readonly hint: string
  /** The key is active or disabled, and this secret has not ended. */
  readonly isLive: boolean
}

export const visibleAscii = /^[\x21-\x7e]+$/

/** Why this value could never be presented, and found. Null: it could. */
export function refuseValue(value: string, keyPrefix: string): string | null {
  const { code, hint } = explainMiss(value, keyPrefix)
  if (code === 'MALFORMED') return hint
  return visibleAscii.test(value) ? null : 'must be visible ASCII: no header could carry it'
}

/** SHA-256 of the value, given or computed. */
export function digestOf(row: Pick<ImportedKey, 'value' | 'digest'>): Uint8Array {
  if (row.value !== undefined) return sha256(row.value)
  const text = row.digest ?? ''
  return Buffer.from(text, digestEncodingOf(text) ?? 'hex')
}

// Of a short value four characters at each end would be half of it.
const longEnoughForBothEnds = 32

/** How an imported value is known by: as much of it as gives nothing away. */
export function importedHint(row: Pick<ImportedKey, 'value' | 'hint'>, digest: Uint8Array): string {
  if (row.hint !== undefined) return row.hint
  if (row.value === undefined) return `sha256:${Buffer.from(digest).toString('hex').slice(0, 8)}…`
  const end = `…${row.value.slice(-4)}`
  return row.value.length < longEnoughForBothEnds ? end : `${row.value.slice(0, 4)}${end}`
}

/** What a project allows, as a row is held against it. */
export interface ImportRules {
  readonly policy: EffectivePolicy
  /** The names that every pattern of the policy matches. */
  readonly matching: ReadonlySet<string>
  readonly now: Instant
}

/** @returns when the secret ends, or what stands against it */
export function judgeRow(row: ImportedKey, { policy, matching, now }: ImportRules): Instant | RowFault[] {
  const faults: RowFault[] = []
  if (!matching.has(row.name)) {
    const [name_pattern] = policy.namePatterns
    faults.push({ field: 'name', reason: new DomainError('name_does_not_match_policy', { name_pattern }) })
  }
  if (policy.refuse_vague_names && isVague(row.name))
    faults.push({ field: 'name', reason: new DomainError('name_is_vague') })
  try {
    const end = endOfNewSecret(row, policy, now)
    return faults.length === 0 ? end : faults
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    return [...faults, { field: 'expires_at', reason: error }]
  }
}

/**
 * A digest that is known already. The same key once more is nothing new; whatever else has it, or had it, says no more than that.
 *
 * @returns null where the row is of that very key, which stays as it is
 */
export function refuseKnown(known: KnownSecret, place: { organizationId: string; projectId: string }): RowFault | null {
  const isOfOrganization = known.organizationId === place.organizationId
  if (isOfOrganization && known.projectId === place.projectId && known.isLive) return null
  const reason = !isOfOrganization
    ? 'is known already, and cannot be imported'
    : known.isLive
      ? `is that of ${known.keyId}, in another project`
      : `was that of ${known.keyId}, and has ended: a value that ended here never works again`
  return { field: 'value', reason }
}
