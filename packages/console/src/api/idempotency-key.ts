import { useState } from 'react'

/**
 * For a form: what is sent again as it was, as after a lost answer, is done once; what was corrected meanwhile is another request, with a
 * key of its own.
 * @returns the key of what is sent
 */
export function useIdempotencyKey(): (sent?: unknown) => string {
  const [keys] = useState(() => new Map<string, string>())
  return (sent = null) => {
    const text = JSON.stringify(sent)
    const key = keys.get(text) ?? newIdempotencyKey()
    keys.set(text, key)
    return key
  }
}

/** Works over plain http too, unlike `crypto.randomUUID`. */
const newIdempotencyKey = (): string =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((octet) => octet.toString(16).padStart(2, '0')).join('')
