import type { AdviceCode } from '@keyturn/contract'
import { formatInstant, type Instant } from '../kernel/instant.ts'
import { endOf } from '../keys/secret.ts'
import type { Slots } from '../keys/slots.ts'
import type { SecretWithUse } from '../keys/view-keys.ts'
import type { SecretCalls } from '../usage/calls.ts'
import { inWords, jobOf } from './spans.ts'

/** What to think of it, for programs and for people. */
export interface Advice {
  readonly code: AdviceCode
  readonly sentence: string
}

/** What a secret is in a cut-over: alone, the primary beside a staged one, the new and the old one of a rotation, or over. */
type Part = 'alone' | 'current' | 'staged' | 'new' | 'old' | 'ended'

export interface AdvisedSecret {
  readonly secret: SecretWithUse
  readonly calls: SecretCalls
  readonly advice: Advice
}

export interface CutOver {
  readonly state: Slots['state']
  readonly advice: Advice
  /** The live ones, the primary first, then one that ended and is still called. */
  readonly secrets: readonly AdvisedSecret[]
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** A monthly job counts as in use. */
const inUseMs = 30 * dayMs

/** The secrets that a cut-over is about, the primary first. */
export function secretsOfCutOver(
  slots: Slots<SecretWithUse>,
  all: readonly SecretWithUse[],
  now: Instant,
): SecretWithUse[] {
  const live = slots.state === 'none' ? [] : slots.state === 'one' ? [slots.primary] : [slots.primary, slots.secondary]
  const [ended] = all
    .filter((secret) => endOf(secret) <= now && secret.lastRefused !== null && secret.lastRefused.at > now - inUseMs)
    .toSorted((a, b) => endOf(b) - endOf(a))
  return ended ? [...live, ended] : live
}

/**
 * How far the owner has come from one secret to the other, and whether the old one may go. It says what the calls of the past show;
 * what a job that comes once a year will do, nobody can know.
 *
 * @param secrets as `secretsOfCutOver` gives them
 */
export function describeCutOver(
  slots: Slots<SecretWithUse>,
  secrets: readonly SecretWithUse[],
  callsOf: (secretId: string) => SecretCalls,
  now: Instant,
): CutOver {
  const newWasCalled = slots.state === 'retiring' && slots.primary.lastUsedAt !== null
  const advised = secrets.map((secret) => {
    const calls = callsOf(secret.id)
    return { secret, calls, advice: advise(partOf(secret, slots), secret, calls, newWasCalled, now) }
  })
  const adviceOn = (secretId: string) => advised.find(({ secret }) => secret.id === secretId)?.advice
  const ended = advised.find(({ secret }) => partOf(secret, slots) === 'ended')?.advice
  return { state: slots.state, advice: overall(slots, adviceOn, ended), secrets: advised }
}

function overall(
  slots: Slots<SecretWithUse>,
  adviceOn: (secretId: string) => Advice | undefined,
  ended: Advice | undefined,
): Advice {
  const none: Advice = { code: 'no_live_secret', sentence: 'no live secret: rotate the key to give it one' }
  if (slots.state === 'none') return ended ?? none
  if (slots.state === 'one') return ended ?? adviceOn(slots.primary.id) ?? none
  const advice = adviceOn(slots.secondary.id) ?? none
  if (slots.state === 'staged') return advice
  const end = formatInstant(endOf(slots.secondary))
  return { ...advice, sentence: `${advice.sentence}; the overlap ends at ${end}` }
}

function partOf({ id }: SecretWithUse, slots: Slots<SecretWithUse>): Part {
  if (slots.state === 'none') return 'ended'
  if (slots.state === 'one') return slots.primary.id === id ? 'alone' : 'ended'
  if (slots.primary.id === id) return slots.state === 'staged' ? 'current' : 'new'
  return slots.secondary.id !== id ? 'ended' : slots.state === 'staged' ? 'staged' : 'old'
}

function advise(part: Part, secret: SecretWithUse, calls: SecretCalls, newWasCalled: boolean, now: Instant): Advice {
  if (part === 'old') return adviseOnOld(secret, calls, newWasCalled, now)
  if (part === 'ended') return adviseOnEnded(secret, calls, now)
  const { lastUsedAt } = secret
  if (lastUsedAt === null) return { code: 'never_called', sentence: neverCalled[part] }
  if (lastUsedAt <= now - inUseMs) return { code: 'unused', sentence: `unused for ${inWords(now - lastUsedAt)}` }
  return { code: 'in_use', sentence: `${subjects[part]}last called ${whenAndWhere(lastUsedAt, calls, now)}` }
}

const neverCalled = {
  alone: 'never called',
  current: 'never called',
  staged: 'staged and never called',
  new: 'no call with the new secret yet',
} satisfies Partial<Record<Part, string>>

const subjects = {
  alone: '',
  current: '',
  staged: 'the staged secret was ',
  new: 'the new secret was ',
} satisfies Partial<Record<Part, string>>

function adviseOnOld(secret: SecretWithUse, calls: SecretCalls, newWasCalled: boolean, now: Instant): Advice {
  const { lastUsedAt } = secret
  const notSafe = (what: string): Advice => ({
    code: 'not_safe_to_finish',
    sentence: `the old secret ${what}: not safe to finish`,
  })
  if (lastUsedAt !== null && lastUsedAt > now - hourMs)
    return notSafe(`was last called ${whenAndWhere(lastUsedAt, calls, now)}`)
  if (calls.refused.lastHour > 0) return notSafe('is still called, though refused')
  if (!newWasCalled) return { code: 'new_never_called', sentence: 'no call with the new secret yet' }
  if (lastUsedAt === null)
    return { code: 'safe_to_finish', sentence: 'the old secret was never called: safe to finish' }
  return adviseOnSilence(now - lastUsedAt, calls.longestPause)
}

/** Is it over, or only one of its pauses? Pauses are known to the hour, those of months ago to the day. */
function adviseOnSilence(silence: number, longestPause: number | null): Advice {
  const unused = `unused for ${inWords(silence)}`
  if (longestPause === null)
    return {
      code: 'may_be_periodic',
      sentence: `${unused}, and called within one hour only before: it may be a job that comes again`,
    }
  const pause = `its longest pause in 90 days was ${inWords(longestPause)}`
  const inexact = longestPause < dayMs ? hourMs : dayMs
  if (silence <= longestPause + inexact)
    return { code: 'may_be_periodic', sentence: `${unused}, but ${pause}: ${jobOf(longestPause)}` }
  return { code: 'safe_to_finish', sentence: `${unused}, and ${pause}: safe to finish` }
}

function adviseOnEnded(secret: SecretWithUse, calls: SecretCalls, now: Instant): Advice {
  const { lastRefused } = secret
  if (lastRefused === null) throw new Error('an ended secret is advised on only where it is still called')
  const ended = `ended ${inWords(now - endOf(secret))} ago`
  const called = `still called ${whenAndWhere(lastRefused.at, calls, now)}`
  return { code: 'still_called', sentence: `${ended}, ${called}: refused with ${lastRefused.code}` }
}

/** Where it came from only if that very call said so. */
function whenAndWhere(calledAt: Instant, { seen }: SecretCalls, now: Instant): string {
  const [newest] = seen
  const where = newest !== undefined && newest.at >= calledAt ? ` from ${newest.address}` : ''
  return `${inWords(now - calledAt)} ago${where}`
}
