import { Button } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { api } from '../api/api.ts'
import { useChange } from '../api/use-change.ts'
import { sayProblem } from '../ui/say-problem.ts'

interface AcknowledgeProps {
  /** Any one of the date. */
  readonly reminder: string
  /** What it is about, for those who do not see what it stands beside. */
  readonly name: string
}

/** Says that somebody knows: of that date nobody is told any more, but of the last two thresholds and when it has come. */
export function Acknowledge({ reminder, name }: AcknowledgeProps) {
  const acknowledge = useChange(() => api.call('POST /v1/reminders/{reminder}/acknowledge', { path: { reminder } }), {
    done: () =>
      notifications.show({ message: 'Acknowledged: only the last two reminders and the end itself are told.' }),
    failed: sayProblem,
  })
  return (
    <Button
      size="compact-sm"
      variant="default"
      loading={acknowledge.pending}
      onClick={() => acknowledge.run(undefined)}
      aria-label={`Acknowledge ${name}`}
    >
      Acknowledge
    </Button>
  )
}
