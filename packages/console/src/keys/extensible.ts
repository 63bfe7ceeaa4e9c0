import type { Key } from '@keyturn/contract'

/** The end of a token was signed with it: another end is another token. */
export const isExtensible = ({ kind }: Pick<Key, 'kind'>): boolean => kind !== 'jwt'

/** Said where the button would be. */
export const endInToken = 'The end is in the token: rotate instead of extending.'
