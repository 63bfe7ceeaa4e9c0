import type { AnswerOf, BodyOf, ParametersOf, QueryOf, Route } from './endpoints.ts'
import { problemOf, problemOfClient, type Result } from './problem.ts'

export interface ClientSettings {
  /** Where Keyturn is, without a slash at the end; left out in a browser: where the page came from. */
  readonly baseUrl?: string
  /** A management key, or the key itself for what is about it; left out: the session of the browser. */
  readonly key?: string
  readonly fetch?: typeof fetch
}

interface Extras {
  readonly signal?: AbortSignal
  /** Instead of that of the client. */
  readonly key?: string
  /** A changing POST that is repeated under the same one is done once, and answered twice. */
  readonly idempotencyKey?: string
}

type Wanted<Name extends string, T> = [T] extends [never] ? unknown : { readonly [N in Name]: T }
type Offered<Name extends string, T> = [T] extends [never] ? unknown : { readonly [N in Name]?: T | undefined }
type BodyInput<R extends Route> = undefined extends BodyOf<R> ? Offered<'body', BodyOf<R>> : Wanted<'body', BodyOf<R>>

/** What a call takes: what stands in braces in its path, its query, its body. */
export type InputOf<R extends Route> = Extras &
  Wanted<'path', [ParametersOf<R>] extends [never] ? never : { readonly [N in ParametersOf<R>]: string | number }> &
  Offered<'query', QueryOf<R>> &
  BodyInput<R>

/** Left out where nothing in it is wanted. */
type Arguments<R extends Route> = Partial<InputOf<R>> extends InputOf<R> ? [input?: InputOf<R>] : [input: InputOf<R>]

export interface Client {
  /** One call. What goes wrong is in the result, with a code from a closed list; nothing is thrown. */
  call<R extends Route>(route: R, ...input: Arguments<R>): Promise<Result<AnswerOf<R>>>
}

interface AnyInput extends Extras {
  readonly path?: Readonly<Record<string, string | number>>
  readonly query?: Readonly<Record<string, string | number | boolean | null | undefined>>
  readonly body?: unknown
}

/** `/v1/keys/{key}` with the key in it, and the query behind; what is undefined is left out. */
export function addressOf(template: string, input: Pick<AnyInput, 'path' | 'query'>): string {
  const path = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(input.path?.[name] ?? '')))
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(input.query ?? {}))
    if (value !== undefined && value !== null) query.set(name, String(value))
  return query.size === 0 ? path : `${path}?${query.toString()}`
}

export function createClient({ baseUrl = '', key: ownKey, fetch: send = fetch }: ClientSettings = {}): Client {
  async function call(route: string, input: AnyInput = {}): Promise<Result<unknown>> {
    const [method = '', template = ''] = route.split(' ')
    const bearer = input.key ?? ownKey
    const hasBody = method !== 'GET' && (input.body !== undefined || method === 'POST')
    try {
      const response = await send(`${baseUrl}${addressOf(template, input)}`, {
        method,
        credentials: bearer === undefined ? 'same-origin' : 'omit',
        cache: 'no-store',
        headers: {
          ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
          ...(hasBody && { 'content-type': typeof input.body === 'string' ? 'text/csv' : 'application/json' }),
          ...(input.idempotencyKey !== undefined && { 'idempotency-key': input.idempotencyKey }),
        },
        ...(hasBody && { body: typeof input.body === 'string' ? input.body : JSON.stringify(input.body ?? {}) }),
        ...(input.signal && { signal: input.signal }),
      })
      return await read(response)
    } catch {
      return { ok: false, problem: problemOfClient(input.signal?.aborted ? 'aborted' : 'unreachable') }
    }
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the types of the table are the server's own schemas; a test holds both together
  return { call } as Client
}

async function read(response: Response): Promise<Result<unknown>> {
  const text = await response.text()
  const { status } = response
  if (response.ok && text === '') return { ok: true, value: undefined, status }
  const body = parse(text)
  if (response.ok && body !== undefined) return { ok: true, value: body, status }
  return { ok: false, problem: problemOf(status, body, response.headers.get('retry-after')) }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
