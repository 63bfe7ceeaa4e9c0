/** What stands after the @ of a Message-ID (RFC 5322 §3.6.4): no brackets of an IPv6 address. */
export const messageDomain = (publicUrl: string): string => new URL(publicUrl).hostname.replace(/[[\]:]/g, '-')
