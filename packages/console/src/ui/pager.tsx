import { Button, Group } from '@mantine/core'

interface PagerProps {
  /** Is it the newest page that is shown? */
  readonly first: boolean
  /** Where the next page begins; null: there is none. */
  readonly next: string | null
  readonly onFirst: () => void
  readonly onNext: (cursor: string) => void
  /** What the two are called; left out: of a list that begins with what is newest. */
  readonly words?: readonly [first: string, next: string]
  readonly size?: 'compact-sm' | 'compact-md'
}

/** Of a list that may be in any order. */
export const pageByPage = ['First page', 'Next page'] as const
const byAge = ['Newest', 'Older'] as const

/** Under a list that goes on; nothing under one that does not. */
export function Pager({ first, next, onFirst, onNext, words = byAge, size = 'compact-sm' }: PagerProps) {
  if (first && next === null) return null
  return (
    <Group justify="space-between" p="sm" style={{ borderTop: '1px solid var(--keyturn-line)' }}>
      <Button variant="default" size={size} disabled={first} onClick={onFirst}>
        {words[0]}
      </Button>
      <Button variant="default" size={size} disabled={next === null} onClick={() => next !== null && onNext(next)}>
        {words[1]}
      </Button>
    </Group>
  )
}
