import type { Expiration } from '@keyturn/contract'
import { useQuery } from '@tanstack/react-query'
import { queries } from '../api/queries.ts'
import { useMay } from '../app/me.tsx'
import { useNow } from '../clock.ts'
import { useAcknowledgements } from '../keys/use-acknowledgements.ts'
import { longDayOf, parseTime } from '../words/time.ts'
import { count } from '../words/words.ts'
import { ofExpiration } from './expiration-needs.ts'
import { codesOf, needsOf } from './finding-needs.ts'
import type { Need } from './need.ts'
import { useNoticeNeeds } from './use-notice-needs.ts'

export interface Needs {
  /** The page in one sentence; null: it is not known yet. */
  readonly sentence: string | null
  readonly list: readonly Need[] | undefined
  readonly error: unknown
}

const soonDays = 14

/** What presses most first: what is broken now, what breaks soon, what nobody would hear of, what is due, what is advice. */
export function useNeeds(org: string): Needs {
  const may = useMay()
  const now = useNow()
  const soon = useQuery(queries.expirations(org, { within: `${soonDays}d`, limit: 200 }))
  const next = useQuery(queries.expirations(org, { status: 'upcoming', in_use: 'true', limit: 1 }))
  const findings = useQuery(queries.findings(org, { code: codesOf('broken', 'risk', 'due'), limit: 200 }))
  const advice = useQuery(queries.findings(org, { code: codesOf('advice'), limit: 50 }))
  const told = useQuery({ ...queries.reminders(org, { limit: 200 }), enabled: may('reminders:read') })
  const acknowledgedBy = useAcknowledgements(org)
  const notices = useNoticeNeeds(org, now)
  if (!soon.data || !findings.data || !next.data || !advice.data)
    return { sentence: null, list: undefined, error: soon.error ?? findings.error ?? next.error ?? advice.error }
  const endings = soon.data.data.filter(
    ({ status, in_use, disabled }) => status !== 'ended' && in_use === true && !disabled,
  )
  const due = soon.data.data.filter(({ type, in_use }) => type === 'rotation_due' && in_use !== true)
  const toNeed = (one: Expiration) => ofExpiration(one, told.data?.data ?? [], acknowledgedBy)
  const dated = [...endings, ...due].map(toNeed)
  const open = dated.filter(({ acknowledged }) => acknowledged === null)
  const known = dated.filter(({ acknowledged }) => acknowledged !== null)
  const pressing = [
    ...needsOf(findings.data, 'broken'),
    ...open.filter(({ tone }) => tone === 'bad'),
    ...notices,
    ...needsOf(findings.data, 'risk'),
    ...open.filter(({ tone }) => tone !== 'bad'),
    ...needsOf(findings.data, 'due'),
  ]
  const ending = new Set(endings.filter(({ type }) => type !== 'rotation_due').map((one) => one.key_id)).size
  return {
    sentence: sentenceOf(ending, pressing.length, next.data.data[0]),
    list: [...pressing, ...known, ...needsOf(advice.data, 'advice')],
    error: null,
  }
}

function sentenceOf(ending: number, needs: number, next: Expiration | undefined): string {
  if (ending > 0) return `${count(ending, 'key')} in use ${ending === 1 ? 'ends' : 'end'} within ${soonDays} days`
  if (needs > 0)
    return `${count(needs, 'thing')} ${needs === 1 ? 'wants' : 'want'} a look; no key in use ends within ${soonDays} days`
  if (next?.at) return `Nothing needs you until ${longDayOf(parseTime(next.at))}: ${next.name}`
  return 'Nothing needs you'
}
