import type { SecretValue } from '../../kernel/secret-value.ts'

/**
 * Where the page of a claim link is. The token is in the path, because the page works without JavaScript, which alone could read
 * it from a fragment; so no log may have the path, and no other site may be told it (Referrer-Policy).
 */
export const claimUrl = (publicUrl: string, token: SecretValue): string => `${publicUrl}/claim/${token.reveal()}`

export const claimPath = '/claim/:token'

/** A path as it may be logged. */
export const pathForLog = (path: string): string => path.replace(/^\/(claim|reminders)\/.*/, '/$1/[token]')
