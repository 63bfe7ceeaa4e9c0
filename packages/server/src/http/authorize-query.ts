import { type KeyKind, keyKinds, scopes } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'

/** What a proxy wants of the keys that it asks about. */
export interface Wanted {
  /** Id or slug. */
  readonly project: string | undefined
  readonly scopes: readonly string[] | undefined
  readonly kinds: readonly KeyKind[] | undefined
  /** The statuses that the proxy passes on; others become 403. Null: all. */
  readonly statuses: readonly number[] | null
}

const nothing: Wanted = { project: undefined, scopes: undefined, kinds: undefined, statuses: null }
const knownParameters = new Set(['project', 'scopes', 'kinds', 'statuses'])
const isKind = (text: string): text is KeyKind => (keyKinds as readonly string[]).includes(text)
const most = 1_000

/** The queries of proxies, understood once: a proxy has written each of them into its configuration (docs/caches.md). */
export class AuthorizeQueries {
  readonly #known = new Map<string, Wanted>()

  /** @returns an error where the query is not understood: the proxy's configuration is wrong, and nothing may pass */
  of(url: string): Wanted | DomainError {
    const question = url.indexOf('?')
    if (question < 0) return nothing
    const query = url.slice(question + 1)
    const known = this.#known.get(query)
    if (known) return known
    const wanted = parse(new URLSearchParams(query))
    if (wanted instanceof DomainError) return wanted
    if (this.#known.size >= most) this.#known.clear()
    this.#known.set(query, wanted)
    return wanted
  }
}

/**
 * Nothing is taken for "no matter" that was written: an unknown name may be a mistyped `scopes`, and an empty value a variable of
 * the proxy that is not set.
 */
function parse(query: URLSearchParams): Wanted | DomainError {
  for (const [name, value] of query) {
    if (!knownParameters.has(name)) return wrong(name, `${JSON.stringify(name)} is not known here`)
    if (value === '') return wrong(name, 'must not be empty; leave it out')
    if (query.getAll(name).length > 1) return wrong(name, 'must be given once; several values with commas')
  }
  const list = (name: string) => query.get(name)?.split(',')
  const wantedScopes = list('scopes')
  const kinds = list('kinds')
  const statuses = list('statuses')
  const fault = wantedScopes && scopes.safeParse(wantedScopes).error?.issues[0]
  if (fault) return wrong('scopes', fault.message)
  if (kinds && !kinds.every(isKind)) return wrong('kinds', `must be of ${keyKinds.join(', ')}`)
  if (statuses && !statuses.every((status) => /^(?:401|403|429)$/.test(status)))
    return wrong('statuses', 'must be of 401, 403, 429')
  return {
    project: query.get('project') ?? undefined,
    scopes: wantedScopes,
    kinds: kinds?.filter(isKind),
    statuses: statuses ? statuses.map(Number) : null,
  }
}

const wrong = (path: string, detail: string) => new DomainError('invalid_request', { errors: [{ path, detail }] })
