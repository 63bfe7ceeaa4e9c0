import { fold, isVague, type Key as WireKey } from '@keyturn/contract'

export { fold, isVague, vagueWords } from '@keyturn/contract'

export type Warning = WireKey['warnings'][number]

/** A name as it is compared and sorted. Cut, so that an index can hold it. */
export function nameKeyOf(name: string): string {
  return fold(name).slice(0, 400)
}

/** What can be said of a key from its own record. */
export function adviceOn(key: {
  name: string
  owner: string | null
  contact: string | null
  legacy: boolean
}): Warning[] {
  const warnings: Warning[] = []
  if (isVague(key.name)) {
    warnings.push({
      code: 'vague_name',
      detail:
        'The name does not say what the key is for. Name the integration and its environment, as "Zapier, production".',
    })
  }
  if (key.owner === null && key.contact === null && !key.legacy) {
    warnings.push({
      code: 'nobody_would_be_told',
      detail:
        'Nobody would be told before this key expires. Set an owner or a contact, or a notification_email on the organization.',
    })
  }
  return warnings
}

export const duplicateName = (otherId: string): Warning => ({
  code: 'duplicate_name',
  detail: `Another active key of this project, ${otherId}, has the same name. One key per integration, each with its own name.`,
})

export const rotationAdvised: Warning = {
  code: 'rotation_advised',
  detail: 'The owner has changed, and the former one may still hold the secret. Rotate the key.',
}

export const tokenKeepsScopes: Warning = {
  code: 'token_keeps_scopes',
  detail:
    'verify goes by the new scopes at once; the token that was issued keeps the scopes that are in it, for those who verify offline. Rotate the key to issue another.',
}
