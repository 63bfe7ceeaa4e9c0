import type { Page } from './endpoints.ts'
import type { Result } from './problem.ts'

/**
 * Everything of a list, page by page, until it ends, something goes wrong or the caller has seen enough. The last page read says which:
 * its `next_cursor` is null at the end.
 *
 * @param read gives one page: `eachPage((cursor) => client.call('GET /v1/organizations', { query: { cursor } }))`
 */
export async function* eachPage<T>(
  read: (cursor: string | undefined) => Promise<Result<Page<T>>>,
): AsyncGenerator<Result<Page<T>>, void> {
  let cursor: string | undefined
  do {
    const page = await read(cursor)
    yield page
    cursor = page.ok ? (page.value.next_cursor ?? undefined) : undefined
  } while (cursor !== undefined)
}
