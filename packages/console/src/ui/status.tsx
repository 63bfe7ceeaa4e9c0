import type { Key } from '@keyturn/contract'
import { statusWords } from '../words/words.ts'

export type Tone = 'good' | 'warn' | 'bad' | 'idle'

/** A word, with a dot before it that says the same in colour. */
export function Status({ tone, children }: { readonly tone: Tone; readonly children: string }) {
  return (
    <span className="dot" data-tone={tone}>
      {children}
    </span>
  )
}

/** What a key is at the moment, the most pressing word of several. */
export function toneOf(key: Pick<Key, 'status' | 'expiring' | 'rotating'>): { tone: Tone; word: string } {
  if (key.status !== 'active')
    return { tone: key.status === 'disabled' ? 'idle' : 'bad', word: statusWords[key.status] }
  if (key.expiring) return { tone: 'warn', word: key.rotating ? 'Rotating, ends soon' : 'Ends soon' }
  return key.rotating ? { tone: 'warn', word: 'Rotating' } : { tone: 'good', word: 'Active' }
}

export function KeyStatus({ of }: { readonly of: Pick<Key, 'status' | 'expiring' | 'rotating'> }) {
  const { tone, word } = toneOf(of)
  return <Status tone={tone}>{word}</Status>
}
