import type { ErrorCode } from '@keyturn/contract'

/** Values that the sentence of an error is filled with; they are members of the problem too, so no secret may be among them. */
export type ErrorFacts = Readonly<Record<string, unknown>>

/**
 * A rule said no. Which HTTP status and which words that means is decided in one place, http/error-map.ts.
 */
export class DomainError extends Error {
  readonly code: ErrorCode
  readonly facts: ErrorFacts

  constructor(code: ErrorCode, facts: ErrorFacts = {}, options?: ErrorOptions) {
    super(code, options)
    this.name = 'DomainError'
    this.code = code
    this.facts = facts
  }
}

/** What is set or found at start cannot work. The message is one sentence that names the setting and the remedy. */
export class StartError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StartError'
  }
}

/** Ends a `switch` over a closed union: a forgotten member fails to compile. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${String(value)}`)
}
