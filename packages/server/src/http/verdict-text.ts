import type { VerifyRecord } from '../verification/decide.ts'
import type { Finding } from '../verification/verifier.ts'
import { toVerdict } from '../verification/verify.ts'

const most = 20_000
const mostRefusals = 1_000

/**
 * The JSON of verdicts, in ASCII, so that its length in characters is its length in bytes. That of a key that is valid is kept: it says
 * the same each time until the record is read anew.
 */
export class VerdictTexts {
  readonly #valid = new Map<VerifyRecord, string>()
  /** By hint: of values that no key has. There are few of them, and a flood has the same one each time. */
  readonly #refusals = new Map<string, string>()

  of(finding: Finding): string {
    const { code, hint, record } = finding
    if (record === null) return this.#refusal(finding, `${code} ${hint}`)
    if (code !== 'VALID') return asciiJson(toVerdict(finding))
    let text = this.#valid.get(record)
    if (text === undefined) {
      if (this.#valid.size >= most) this.#valid.clear()
      text = asciiJson(toVerdict(finding))
      this.#valid.set(record, text)
    }
    return text
  }

  #refusal(finding: Finding, name: string): string {
    let text = this.#refusals.get(name)
    if (text === undefined) {
      if (this.#refusals.size >= mostRefusals) this.#refusals.clear()
      text = asciiJson(toVerdict(finding))
      this.#refusals.set(name, text)
    }
    return text
  }
}

/** RFC 8259 §7: any character may be escaped. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
