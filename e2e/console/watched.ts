import type { Page } from 'playwright-core'

/** A page with all that went wrong on it. */
export interface Watched {
  readonly page: Page
  readonly failures: string[]
  /** Where requests may go. */
  readonly origins: Set<string>
  /** Requests that have no answer yet. */
  readonly pending: ReadonlySet<unknown>
}

/** Those that are open in this process. */
export const pages = new Set<Watched>()
