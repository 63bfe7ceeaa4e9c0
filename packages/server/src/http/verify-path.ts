import type { IncomingMessage } from 'node:http'
import { type VerifyRequest, verifyRequest } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'
import type { KnownCaller } from '../verification/caller-cache.ts'
import type { Finding, Verifier } from '../verification/verifier.ts'
import { AnswersOfTurn } from './answers-of-turn.ts'
import { largestBody } from './middleware.ts'
import { parseStrictJson } from './strict-json.ts'
import type { VerdictCounts } from './verdict-counts.ts'
import { partsOf, VerdictTexts } from './verdict-text.ts'
import type { VerifyCallers } from './verify-callers.ts'
import type { WholeRequest, WholeResponse, WriteWhole } from './whole-messages.ts'

type Listener = (request: WholeRequest, response: WholeResponse) => void

interface Question {
  readonly request: WholeRequest
  readonly response: WholeResponse
  readonly body: Buffer
  readonly token: string
  readonly wanted: VerifyRequest
  readonly known: KnownCaller | undefined
}

interface WarmAnswer extends Question {
  readonly finding: Finding
}

/**
 * `POST /v1/verify`, ahead of the framework. What is well formed is answered here; everything else goes on to `others`, which says
 * what is wrong with it. On the warm way there is no SQL, no log line and no promise.
 */
export function createVerifyPath(
  verifier: Verifier,
  callers: VerifyCallers,
  counts: VerdictCounts,
  writeWhole: WriteWhole,
  others: Listener,
): Listener {
  const texts = new VerdictTexts(() => verifier.now())
  const answers = new AnswersOfTurn<WarmAnswer>(() => verifier.isTrusted(), answerWarm, askAgain)

  // Of a longer one `others` says that it is too long.
  return (request, response) => request.takeBody(largestBody, (body) => answer(request, response, body))

  function answer(request: WholeRequest, response: WholeResponse, body: Buffer): void {
    const token = bareToken(request.headers.authorization)
    const wanted = token === undefined ? undefined : parseBody(request, body)
    if (token === undefined || wanted === undefined) return goOn(request, response, body)
    const known = callers.warm(token)
    const finding = known && verifier.decideWarm(wanted.key, wanted, known.reach)
    if (finding) answers.add({ request, response, body, token, wanted, known, finding })
    else void answerCold({ request, response, body, token, wanted, known })
  }

  function answerWarm({ request, response, wanted, finding }: WarmAnswer): void {
    verifier.note(finding, wanted, null)
    give(request, response, finding)
  }

  function askAgain({ finding, ...question }: WarmAnswer): Promise<void> {
    verifier.giveBack(finding)
    return answerCold(question)
  }

  async function answerCold({ request, response, body, token, wanted, known }: Question): Promise<void> {
    try {
      const reach = await callers.reachOf(token, known, request.socket.remoteAddress ?? null)
      give(request, response, await verifier.inspect(wanted.key, wanted, reach))
    } catch {
      // The framework meets the same fault, and has the words for it.
      goOn(request, response, body)
    }
  }

  function give(request: WholeRequest, response: WholeResponse, finding: Finding): void {
    counts.verify[finding.code]++
    request.finish()
    send(response, texts.of(finding))
  }

  function goOn(request: WholeRequest, response: WholeResponse, body: Buffer): void {
    request.rawBody = body
    request.endStream()
    others(request, response)
  }

  function send(response: WholeResponse, text: string): void {
    if (writeWhole(response, text)) return
    const { headers, body } = partsOf(text)
    response.writeHead(200, headers)
    response.end(body, 'latin1')
  }
}

/** @returns undefined where the header is anything but `Bearer` and a token */
function bareToken(header: string | undefined): string | undefined {
  if (header === undefined || !header.startsWith('Bearer ')) return undefined
  const token = header.slice(7)
  return token === '' || token.includes(' ') || token.includes(',') ? undefined : token
}

// By far the most requests hold a key and nothing else.
const onlyKey = /^\{\s*"key"\s*:\s*"([\x20-\x21\x23-\x5b\x5d-\x7e]{1,600})"\s*\}$/

/** @returns undefined where the framework has to say what is wrong */
function parseBody(request: IncomingMessage, body: Buffer): VerifyRequest | undefined {
  if (body.length > largestBody || request.headers['content-type'] !== 'application/json') return undefined
  const key = body.length < 700 ? onlyKey.exec(body.toString('latin1'))?.[1] : undefined
  if (key !== undefined) return { key, cost: 1 }
  try {
    const parsed = verifyRequest.safeParse(parseStrictJson(body))
    return parsed.success ? parsed.data : undefined
  } catch (error) {
    if (error instanceof DomainError) return undefined
    throw error
  }
}
