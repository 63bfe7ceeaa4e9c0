import type { Mail } from '@keyturn/contract'
import { Button } from '@mantine/core'
import { api } from '../api/api.ts'
import { useChange } from '../api/use-change.ts'
import { useMay } from '../app/me.tsx'
import { sayProblem } from '../ui/say-problem.ts'

interface SendAgainProps {
  readonly org: string
  readonly of: Mail
}

/** Of a mail that reached nobody. */
export function SendAgain({ org, of: mail }: SendAgainProps) {
  const may = useMay()
  const again = useChange(
    () => api.call('POST /v1/organizations/{org}/outbox/{mail}/retry', { path: { org, mail: mail.id } }),
    { failed: sayProblem },
  )
  if (!['failed', 'not_delivered'].includes(mail.state) || !may('mails:change')) return null
  return (
    <Button
      variant="default"
      size="compact-sm"
      loading={again.pending}
      onClick={() => again.run(undefined)}
      aria-label={`Send again: ${mail.subject}, to ${mail.recipient}`}
    >
      Send again
    </Button>
  )
}
