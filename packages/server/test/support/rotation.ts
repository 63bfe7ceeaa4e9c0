import type { Key, Secret } from '@keyturn/contract'
import type { Answer, Keyturn } from './keyturn.ts'

/** How many secrets of a key are live: none, one, a primary and a staged one, a newer primary and a retiring one. */
export type Situation = 'Z' | 'A' | 'B' | 'C'

export interface Value {
  readonly id: string
  readonly value: string
}

export interface PreparedKey {
  readonly key: Key
  /** The first one that it was made with. */
  readonly old: Value
  /** The staged or the rotated one; the same as `old` where there is none. */
  readonly newer: Value
}

export const situationOf = (key: Key): Situation => {
  const live = key.secrets.filter((secret) => secret.status === 'live')
  if (live.length === 0) return 'Z'
  if (live.length === 1) return 'A'
  return live.some((secret) => secret.staged) ? 'B' : 'C'
}

/** What an operation must answer where it is allowed. */
export async function must(answer: Promise<Answer>): Promise<{ key: Key; secret: Secret & { value: string } }> {
  const { status, body, text } = await answer
  if (status >= 300) throw new Error(`${status}: ${text}`)
  return body
}

/**
 * @param fields of the key
 * @param wanted of the staged or the rotated secret
 */
export async function prepareKey(
  keyturn: Keyturn,
  project: string,
  situation: Situation,
  fields: object = {},
  wanted: object = {},
): Promise<PreparedKey> {
  const expiry = situation === 'Z' ? { expires_in: 1 } : {}
  const { key, secret: old } = await keyturn.createKey(project, { expires_in: 100 * 86_400, ...fields, ...expiry })
  if (situation === 'Z') keyturn.clock.advance(2000)
  const path = { Z: null, A: null, B: 'secrets', C: 'rotate' }[situation]
  const make = (to: string) => must(keyturn.request('POST', `/v1/keys/${key.id}/${to}`, { body: wanted }))
  const newer = path === null ? old : (await make(path)).secret
  return { key: (await keyturn.request('GET', `/v1/keys/${key.id}`)).body, old, newer }
}
