import { Alert, Button, Group, Text } from '@mantine/core'
import { api } from '../api/api.ts'
import { useIdempotencyKey } from '../api/idempotency-key.ts'
import { useChange } from '../api/use-change.ts'
import { useMay, useOrg } from '../app/me.tsx'
import { CopyIcon } from '../ui/copy.tsx'
import { ProblemNote } from '../ui/problem.tsx'

/** What asks whether a request may pass needs a management key of its own, which can do nothing else. */
export function VerifyKey() {
  const org = useOrg()
  const may = useMay()
  const idempotencyKey = useIdempotencyKey()
  const make = useChange(() =>
    api.call('POST /v1/organizations/{org}/management-keys', {
      path: { org },
      body: { name: 'Product, verify only', scopes: ['verify'] },
      idempotencyKey: idempotencyKey(),
    }),
  )
  if (!may('management_keys:create')) return null
  const value = make.value?.secret.value
  if (typeof value === 'string')
    return (
      <Alert color="accent" variant="light" title="A verify-only key, shown this once">
        <Group gap="xs" wrap="nowrap">
          <span className="mono" style={{ overflowWrap: 'anywhere' }} data-testid="verify-key">
            {value}
          </span>
          <CopyIcon text={value} what="the verify-only key" />
        </Group>
      </Alert>
    )
  return (
    <Group gap="xs">
      <ProblemNote problem={make.problem} />
      <Button variant="default" size="compact-sm" loading={make.pending} onClick={() => make.run(undefined)}>
        Make a verify-only key
      </Button>
      <Text size="xs" className="soft">
        for $KEYTURN_VERIFY_KEY: it can ask for verdicts, and nothing else
      </Text>
    </Group>
  )
}
