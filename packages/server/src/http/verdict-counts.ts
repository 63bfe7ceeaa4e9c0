import { type VerdictCode, verdictCodes } from '@keyturn/contract'

export type CountsByCode = Record<VerdictCode, number>

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one entry for each code, from the list of all codes
const zeros = () => Object.fromEntries(verdictCodes.map((code) => [code, 0])) as CountsByCode

/** Verdicts since the start, by where they were asked for. Plain numbers that a scrape reads: counting one allocates nothing. */
export class VerdictCounts {
  readonly verify = zeros()
  readonly authorize = zeros()
  readonly introspect = zeros()
  /** Questions of proxies that got an error instead of a verdict. */
  authorizeFailures = 0
}
