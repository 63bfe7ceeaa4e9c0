import { formatInstant, type Instant, never } from '../kernel/instant.ts'
import type { Charge } from '../limits/limit.ts'
import { toQuotaLeft, toRateLimitLeft } from '../limits/verdict-limits.ts'
import type { VerifyRecord } from '../verification/decide.ts'
import type { Finding } from '../verification/verifier.ts'
import { toVerdict } from '../verification/verify.ts'
import { warningAt, warningHoldsUntil } from '../verification/warning.ts'
import { verdictLimitHeaders } from './limit-headers.ts'

const most = 20_000
const mostRefusals = 1_000

interface KeptAnswer {
  readonly text: string
  /** From then on it would have to say something else: that the end is near. */
  readonly until: Instant
}

/**
 * Answers to questions for a verdict, from their headers on, in ASCII. That for a key that is valid is kept: it says the same each time
 * until the record is read anew, or the end of the secret comes near.
 */
export class VerdictTexts {
  readonly #valid = new Map<VerifyRecord, KeptAnswer>()
  /** By hint: of values that no key has. There are few of them, and a flood has the same one each time. */
  readonly #refusals = new Map<string, string>()
  readonly #now: () => Instant

  /** @param now the time that verdicts go by */
  constructor(now: () => Instant) {
    this.#now = now
  }

  of(finding: Finding): string {
    const { code, hint, record, charge } = finding
    if (record === null) return this.#refusal(finding, `${code} ${hint}`)
    if (code !== 'VALID') return answerOf(finding, null)
    const kept = this.#valid.get(record)
    const text =
      kept !== undefined && (kept.until === never || this.#now() < kept.until)
        ? kept.text
        : this.#make({ ...finding, charge: null }, record)
    return charge === null ? text : withCharge(text, charge)
  }

  #make(finding: Finding, record: VerifyRecord): string {
    if (this.#valid.size >= most) this.#valid.clear()
    const now = this.#now()
    const text = answerOf(finding, warningAt(record, now))
    this.#valid.set(record, { text, until: warningHoldsUntil(record, now) })
    return text
  }

  #refusal(finding: Finding, name: string): string {
    let text = this.#refusals.get(name)
    if (text === undefined) {
      if (this.#refusals.size >= mostRefusals) this.#refusals.clear()
      text = answerOf(finding, null)
      this.#refusals.set(name, text)
    }
    return text
  }
}

/** Of a verdict on a real secret: for the API that asked, which may hand them on to its caller. */
export function endingHeaders(record: VerifyRecord | null, warning: string | null): [string, string][] {
  const end = record && formatInstant(record.end)
  return [
    ...(end === null ? [] : [['x-keyturn-key-expires-at', end] as [string, string]]),
    ...(warning === null ? [] : [['x-keyturn-key-warning', warning] as [string, string]]),
  ]
}

function answerOf(finding: Finding, warning: string | null): string {
  const body = asciiJson(toVerdict(finding))
  const headers = [
    ['content-type', 'application/json'],
    ['cache-control', 'no-store'],
    // All of it is ASCII: its length in characters is its length in bytes.
    ['content-length', String(body.length)],
    ...endingHeaders(finding.record, warning),
    ...verdictLimitHeaders(finding.charge),
  ]
  return `${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`
}

// What a kept answer ends with: the limits, of which there are none in it.
const noLimits = '"rate_limit":null,"quota":null}'

/** The kept answer of a key, with what a call has left of its limits. */
function withCharge(text: string, charge: Charge): string {
  const limits = `"rate_limit":${JSON.stringify(toRateLimitLeft(charge))},"quota":${JSON.stringify(toQuotaLeft(charge))}}`
  const split = text.indexOf('\r\n\r\n')
  const body = `${text.slice(split + 4, -noLimits.length)}${limits}`
  const own = verdictLimitHeaders(charge).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = text.slice(0, split + 2).replace(/content-length: \d+/, `content-length: ${body.length}`)
  return `${head}${own.join('')}\r\n${body}`
}

/** What `of` gave, in parts. JSON of ASCII has no line break in it. */
export function partsOf(answer: string): { headers: string[]; body: string } {
  const end = answer.indexOf('\r\n\r\n')
  const lines = answer.slice(0, end).split('\r\n')
  const headers = lines.flatMap((line) => {
    const colon = line.indexOf(': ')
    return [line.slice(0, colon), line.slice(colon + 2)]
  })
  return { headers, body: answer.slice(end + 4) }
}

/** RFC 8259 §7: any character may be escaped. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
