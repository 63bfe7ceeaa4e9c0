import type { IncomingMessage, ServerResponse } from 'node:http'
import { type VerifyRequest, verifyRequest } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'
import { authenticate } from '../people/authenticate.ts'
import { requireScope } from '../people/permissions.ts'
import { CallerCache, type KnownCaller } from '../verification/caller-cache.ts'
import type { Verifier } from '../verification/verifier.ts'
import { isVerifiableBy } from '../verification/verify.ts'
import { bearerOf, largestBody } from './middleware.ts'
import { parseStrictJson } from './strict-json.ts'
import { VerdictTexts } from './verdict-text.ts'

type Listener = (request: IncomingMessage, response: ServerResponse) => void

/** A request whose body was read here, for the framework to go on with. */
type WithBody = IncomingMessage & { rawBody?: Buffer }

/**
 * `POST /v1/verify`, ahead of the framework. What is well formed is answered here; everything else goes on to `others`, which says
 * what is wrong with it. On the warm way there is no SQL, no log line and no promise.
 */
export function createVerifyPath(verifier: Verifier, others: Listener): Listener {
  const callers = new CallerCache()
  const texts = new VerdictTexts()

  return (request, response) => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      // Past the limit only the size counts; `others` refuses it.
      if (size <= largestBody + 1) chunks.push(chunk)
    })
    request.on('end', () => {
      const [first] = chunks
      const body = chunks.length === 1 && first ? first : Buffer.concat(chunks)
      answer(request, response, body)
    })
  }

  function answer(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const credential = request.headers.authorization
    const wanted = credential === undefined ? undefined : parseBody(request, body)
    if (credential === undefined || wanted === undefined) return goOn(request, response, body)
    const known = callers.get(credential, verifier.generation, verifier.now())
    if (known) {
      const finding = verifier.inspectWarm(wanted.key, wanted, known.reach)
      if (finding) {
        if (known.use) verifier.noteUse(known.use.keyId, known.use.secretId)
        return send(response, texts.of(finding))
      }
    }
    void answerCold(request, response, body, credential, wanted)
  }

  async function answerCold(
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
    credential: string,
    wanted: VerifyRequest,
  ): Promise<void> {
    try {
      const caller = await knownCaller(request, credential)
      const finding = await verifier.inspect(wanted.key, wanted, caller.reach)
      send(response, texts.of(finding))
    } catch {
      // The framework meets the same fault, and has the words for it.
      goOn(request, response, body)
    }
  }

  /** @throws DomainError insufficient_scope, and what `authenticate` throws */
  async function knownCaller(request: IncomingMessage, credential: string): Promise<KnownCaller> {
    const { generation } = verifier
    const address = request.socket.remoteAddress?.replace(/^::ffff:/, '') ?? null
    const { caller, record, end } = await authenticate(verifier, bearerOf(credential), address)
    requireScope(caller, 'verify')
    const known: KnownCaller = {
      caller,
      reach: (found) => isVerifiableBy(caller, found),
      end,
      generation,
      use: record && { keyId: record.keyId, secretId: record.secretId },
    }
    // One that is bound to addresses is authenticated each time: the next request may come from another.
    if (record === null || record.allowedIps.length === 0) callers.remember(credential, known)
    return known
  }

  function goOn(request: WithBody, response: ServerResponse, body: Buffer): void {
    request.rawBody = body
    others(request, response)
  }
}

function send(response: ServerResponse, text: string): void {
  response.writeHead(200, [
    'content-type',
    'application/json',
    'cache-control',
    'no-store',
    'content-length',
    String(text.length),
  ])
  response.end(text, 'latin1')
}

// By far the most requests hold a key and nothing else.
const onlyKey = /^\{\s*"key"\s*:\s*"([\x20-\x21\x23-\x5b\x5d-\x7e]{1,600})"\s*\}$/

/** @returns undefined where the framework has to say what is wrong */
function parseBody(request: IncomingMessage, body: Buffer): VerifyRequest | undefined {
  if (body.length > largestBody || request.headers['content-type'] !== 'application/json') return undefined
  const key = body.length < 700 ? onlyKey.exec(body.toString('latin1'))?.[1] : undefined
  if (key !== undefined) return { key }
  try {
    const parsed = verifyRequest.safeParse(parseStrictJson(body))
    return parsed.success ? parsed.data : undefined
  } catch (error) {
    if (error instanceof DomainError) return undefined
    throw error
  }
}
