import { inspect } from 'node:util'

/**
 * The value of a secret on its way from where it is made to the one answer that shows it. Printed, logged or turned into JSON
 * by mistake it is `[secret]`; only `reveal` gives it, so that every place that does is found by that word.
 */
export class SecretValue {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [inspect.custom](): string {
    return '[secret]'
  }
}
