import type { Context } from 'hono'
import type { Env } from './context.ts'

/** Streams pages as they are read: who reads slowly waits for nobody, and holds nothing but the page that is under way. */
export function answerStream(
  c: Context<Env>,
  file: { readonly name: string; readonly type: string },
  head: string,
  pages: AsyncIterable<string>,
): Response {
  async function* parts() {
    if (head !== '') yield head
    yield* pages
  }
  c.header('Content-Type', file.type)
  c.header('Content-Disposition', `attachment; filename="${file.name}"`)
  return c.body(ReadableStream.from(parts()).pipeThrough(new TextEncoderStream()), 200)
}

export async function* mapPages<T>(pages: AsyncIterable<T>, format: (page: T) => string): AsyncGenerator<string> {
  for await (const page of pages) yield format(page)
}
