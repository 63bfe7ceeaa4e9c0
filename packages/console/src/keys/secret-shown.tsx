import type { Key, Secret } from '@keyturn/contract'
import { Alert, Button, Checkbox, Group, Stack, Text } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { CopyButton } from '../ui/copy.tsx'
import { IconDownload } from '../ui/icons.tsx'
import { Sample } from '../ui/sample.tsx'
import { VerifyOffline } from './verify-offline.tsx'

interface SecretShownProps {
  readonly name: string
  readonly kind: Key['kind']
  readonly secret: Pick<Secret, 'value' | 'hint'>
  /** Of a management key: for whom the sample is. */
  readonly management?: boolean
  readonly more?: ReactNode
  readonly onDone: () => void
}

/** As a variable of an environment: `Zapier, production` becomes ZAPIER_PRODUCTION_KEY. */
export const variableOf = (name: string): string =>
  `${
    name
      .normalize('NFKD')
      .replace(/[^\w]+/g, '_')
      .replace(/^_+|_+$/g, '')
      .toUpperCase()
      .replace(/^(?=\d|$)/, 'KEY_') || 'KEYTURN'
  }_KEY`

/** A value, this once. It is in the memory of this page alone, and closing wants to be told that it is somewhere else. */
export function SecretShown({ name, kind, secret, management = false, more, onDone }: SecretShownProps) {
  const [saved, setSaved] = useState(false)
  const value = secret.value
  if (value === null)
    return (
      <Stack>
        <Alert color="yellow" title="The value was shown before">
          It is shown once. Whoever lost it rotates the key: the old value goes on for the overlap.
        </Alert>
        <Button onClick={onDone}>Close</Button>
      </Stack>
    )
  const origin = location.origin
  // A token is long enough to be shown once.
  const bearer = kind === 'jwt' ? `$${variableOf(name)}` : value
  const curl = `curl -H "Authorization: Bearer ${bearer}" ${origin}/v1/keys/self`
  const verify = `curl ${origin}/v1/verify -H "Authorization: Bearer $KEYTURN_VERIFY_KEY" \\
  -H "Content-Type: application/json" -d '{"key": "the key that your caller sent"}'`
  return (
    <Stack>
      <Text size="sm">
        {kind === 'publishable'
          ? 'This value may be read by everybody, and can be shown again.'
          : 'This is the only time that the value is shown. Keyturn keeps a fingerprint of it, not the value. Lost it? Rotate the key.'}
      </Text>
      <div className="secret" data-kind={kind} data-testid="secret">
        {value}
      </div>
      <Group gap="xs">
        <CopyButton text={value}>Copy the value</CopyButton>
        <Button variant="default" leftSection={<IconDownload size={16} />} onClick={() => saveEnv(name, value)}>
          Save as .env
        </Button>
      </Group>
      {kind !== 'publishable' && !management && (
        <Sample
          label="Try it: what is this key?"
          text={curl}
          what={kind === 'jwt' ? 'the command' : 'the command with the value in it'}
        />
      )}
      {kind === 'jwt' && <VerifyOffline token={value} />}
      {!management && <Sample label="In your product: may this request pass?" text={verify} what="the verify sample" />}
      {more}
      <Checkbox
        label={kind === 'publishable' ? 'I have seen it' : 'I have saved it'}
        checked={saved}
        onChange={(event) => setSaved(event.currentTarget.checked)}
      />
      <Group gap="xs">
        <Button onClick={onDone} disabled={!saved}>
          Close
        </Button>
      </Group>
    </Stack>
  )
}

function saveEnv(name: string, value: string): void {
  const address = URL.createObjectURL(new Blob([`${variableOf(name)}=${value}\n`], { type: 'text/plain' }))
  const link = document.createElement('a')
  link.href = address
  link.download = '.env'
  link.click()
  URL.revokeObjectURL(address)
}
