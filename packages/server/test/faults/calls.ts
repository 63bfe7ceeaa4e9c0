import { randomUUID } from 'node:crypto'

export interface PlainAnswer {
  readonly status: number
  readonly body: any
}

/** A call of a server in another process. @throws TypeError where the connection breaks */
export async function send(
  url: string,
  key: string,
  method: string,
  path: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<PlainAnswer> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
}

// Many times what a crowd of writers waits for on a machine that has other work.
const mostTries = 20

/** A change, as a 503 asks for it: again in a moment, with the same Idempotency-Key, until it is done. */
export async function sendUntilDone(
  url: string,
  key: string,
  method: string,
  path: string,
  body: object,
): Promise<PlainAnswer> {
  const headers = { 'idempotency-key': randomUUID() }
  for (let tried = 1; ; tried++) {
    const answer = await send(url, key, method, path, body, headers)
    if (answer.status !== 503 || tried === mostTries) return answer
    await pause(500)
  }
}

/** Lets another process go on until the moment of a fault. Nothing relies on how long it takes. */
export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds))
