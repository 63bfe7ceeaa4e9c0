import { Button, Group } from '@mantine/core'

interface PagerProps {
  /** Is it the newest page that is shown? */
  readonly first: boolean
  /** Where the next page begins; null: there is none. */
  readonly next: string | null
  readonly onFirst: () => void
  readonly onNext: (cursor: string) => void
}

/** Under a list that goes on; nothing under one that does not. */
export function Pager({ first, next, onFirst, onNext }: PagerProps) {
  if (first && next === null) return null
  return (
    <Group justify="space-between" p="sm" style={{ borderTop: '1px solid var(--keyturn-line)' }}>
      <Button variant="default" size="compact-sm" disabled={first} onClick={onFirst}>
        Newest
      </Button>
      <Button
        variant="default"
        size="compact-sm"
        disabled={next === null}
        onClick={() => next !== null && onNext(next)}
      >
        Older
      </Button>
    </Group>
  )
}
