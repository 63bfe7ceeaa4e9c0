/**
 * What names of cookies begin with. Over TLS `__Host-`: a browser takes such a one from this very host alone, over TLS, and for all
 * paths (RFC 6265bis, 4.1.3.2), so that neither a neighbouring host nor plain HTTP can put one there.
 */
export const cookiePrefix = (publicUrl: string): string =>
  publicUrl.startsWith('https:') ? '__Host-keyturn' : 'keyturn'

export const cookieName = (publicUrl: string, name: 'session_token' | 'device'): string =>
  `${cookiePrefix(publicUrl)}.${name}`

/** The cookies without the one of the session. */
export const withoutSession = (publicUrl: string, cookies: string): string =>
  cookies
    .split(';')
    .filter((pair) => pair.split('=')[0]?.trim() !== cookieName(publicUrl, 'session_token'))
    .join(';')
