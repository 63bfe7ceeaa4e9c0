import type { Finding, FindingCode } from '@keyturn/contract'
import { findingAdvice, findingDetail } from '../words/finding-advice.ts'
import { findingWords } from '../words/words.ts'
import { type Need, type NeedAct, plainNeed } from './need.ts'

type Weight = 'broken' | 'risk' | 'due' | 'advice'

/** How much each presses, and what helps. What is advice waits at the end of the list, and is no reason to be called. */
const kinds = {
  ended_secret_called: { weight: 'broken', act: 'open' },
  nobody_would_be_told: { weight: 'risk', act: 'edit', editing: 'Name an owner' },
  owner_gone: { weight: 'risk', act: 'edit', editing: 'Name an owner' },
  many_networks: { weight: 'risk', act: 'open' },
  review_due: { weight: 'due', act: 'review' },
  never_expires: { weight: 'advice', act: 'rotation' },
  unused: { weight: 'advice', act: 'open' },
  never_used: { weight: 'advice', act: 'open' },
  duplicate_name: { weight: 'advice', act: 'edit', editing: 'Rename' },
  vague_name: { weight: 'advice', act: 'edit', editing: 'Rename' },
  legacy_key_called: { weight: 'advice', act: 'open' },
} as const satisfies Record<FindingCode, { weight: Weight; act: NeedAct; editing?: string }>

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the names of the table
const codes = Object.keys(kinds) as FindingCode[]

/** As the API takes them. */
export const codesOf = (...weights: readonly Weight[]): string =>
  codes.filter((code) => weights.includes(kinds[code].weight)).join(',')

/** Those of a weight, in the order in which the API lists them: what presses most first. */
export const needsOf = (findings: readonly Finding[], weight: Weight): Need[] =>
  findings.filter(({ code }) => kinds[code].weight === weight).map(ofFinding)

const tones = { broken: 'bad', risk: 'warn', due: 'warn', advice: 'idle' } as const satisfies Record<
  Weight,
  Need['tone']
>

function ofFinding(finding: Finding): Need {
  const { code, detail, key_id, name, project_id, owner, management, legacy, last_used_at } = finding
  const { weight, ...kind } = kinds[code]
  return {
    ...plainNeed,
    ...kind,
    id: finding.id,
    place: { page: 'key', key: key_id },
    name,
    projectId: project_id,
    owner,
    management,
    legacy,
    what: findingWords[code],
    detail: findingDetail[code] ?? detail,
    advice: findingAdvice[code],
    lastUsedAt: last_used_at,
    tone: tones[weight],
  }
}
