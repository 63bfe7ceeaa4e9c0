import type { QueryOf } from '@keyturn/sdk'

/** What the address of the list says: whoever is sent it sees the same list. */
export interface KeySearch {
  readonly project?: string
  readonly status?: string
  readonly kind?: string
  readonly owner?: string
  readonly q?: string
  readonly expires_before?: string
  readonly unused_since?: string
  readonly refused_since?: string
  readonly sort?: string
  readonly cursor?: string
  readonly new?: string
  readonly like?: string
}

type KeyQuery = NonNullable<QueryOf<'GET /v1/organizations/{org}/keys'>>

/** What of it the API is asked. A search that is no search of ours is refused there, in words. */
export function queryOf({ project: _, new: __, like: ___, cursor, ...filters }: KeySearch): KeyQuery {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- texts of an address; the API says which of them it does not know
  return { ...filters, ...(cursor !== undefined && { cursor }), limit: 50 } as KeyQuery
}

/** The whole list, without pages, to save. */
export function csvOf(org: string, search: KeySearch): string {
  const { project, new: _, like: __, cursor: ___, ...filters } = search
  const query = new URLSearchParams(Object.entries(filters).filter(([, value]) => value !== undefined))
  const place = project === undefined ? `organizations/${org}` : `projects/${project}`
  return `/v1/${place}/keys.csv${query.size === 0 ? '' : `?${query.toString()}`}`
}
