import type { Acknowledgement } from '../keys/use-acknowledgements.ts'

/** What helps, in place. */
export type NeedAct = 'extend' | 'rotation' | 'review' | 'edit' | 'open' | 'none'

/** Which page is about it. */
export type NeedPlace =
  | { readonly page: 'key'; readonly key: string }
  | { readonly page: 'expirations' }
  | { readonly page: 'outbox' }
  | { readonly page: 'channel'; readonly channel: string }

/** Something that wants a person. */
export interface Need {
  readonly id: string
  readonly place: NeedPlace
  readonly name: string
  readonly projectId: string | null
  readonly owner: string | null
  readonly management: boolean
  readonly legacy: boolean
  readonly what: string
  readonly detail: string
  /** What to do about it, in words of these pages. */
  readonly advice: string | null
  readonly at: string | null
  readonly lastUsedAt: string | null
  readonly tone: 'bad' | 'warn' | 'idle'
  readonly act: NeedAct
  /** What editing is called here. */
  readonly editing?: string
  /** A reminder of its date; null: nobody was told of it yet, and there is nothing to acknowledge. */
  readonly reminder: string | null
  readonly acknowledged: Acknowledgement | null
}

/** What most have in common. */
export const plainNeed = {
  projectId: null,
  owner: null,
  management: false,
  legacy: false,
  advice: null,
  at: null,
  lastUsedAt: null,
  reminder: null,
  acknowledged: null,
} as const

export const keyOf = ({ place }: Pick<Need, 'place'>): string | null => (place.page === 'key' ? place.key : null)
