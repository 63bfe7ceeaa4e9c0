import type { AnswerOf } from '@keyturn/sdk'
import { Button, Group, Modal, PasswordInput, Stack, Text, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { type FormEvent, useState } from 'react'
import { api } from '../api/api.ts'
import { useChange } from '../api/use-change.ts'
import type { Me } from '../app/me.tsx'
import { CopyButton } from '../ui/copy.tsx'
import { Section } from '../ui/page.tsx'
import { ProblemNote } from '../ui/problem.tsx'
import { Status } from '../ui/status.tsx'
import { QrCode } from './qr-code.tsx'

type Begun = AnswerOf<'POST /v1/me/two-factor'>

/** A code of an authenticator beside the password. */
export function TwoFactor({ me }: { readonly me: Me }) {
  const [password, setPassword] = useState('')
  const [begun, setBegun] = useState<Begun | null>(null)
  const begin = useChange(
    () => api.call('POST /v1/me/two-factor', { body: { password } }),
    (answer) => {
      setPassword('')
      setBegun(answer)
    },
  )
  const disable = useChange(
    () => api.call('POST /v1/me/two-factor/disable', { body: { password } }),
    () => setPassword(''),
  )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (me.two_factor) disable.run(undefined)
    else begin.run(undefined)
  }
  return (
    <Section title="Second factor">
      <Text size="sm" component="div">
        {me.two_factor ? (
          <>
            <Status tone="good">On</Status>: after the password, a code of your authenticator is asked for.
          </>
        ) : (
          <>
            <Status tone="warn">Off</Status>: whoever has your password is you. With it on, a code of your authenticator
            is asked for, too.
          </>
        )}
      </Text>
      <form onSubmit={submit}>
        <ProblemNote problem={begin.problem ?? disable.problem} />
        <Group align="flex-end" gap="xs">
          <PasswordInput
            label="Your password"
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            autoComplete="current-password"
            style={{ flex: '0 1 18rem' }}
          />
          <Button
            type="submit"
            variant="default"
            loading={begin.pending || disable.pending}
            disabled={password === ''}
            {...(me.two_factor && { color: 'red' })}
          >
            {me.two_factor ? 'Switch it off' : 'Switch it on'}
          </Button>
        </Group>
      </form>
      {begun && <Confirm begun={begun} onClose={() => setBegun(null)} />}
    </Section>
  )
}

function Confirm({ begun, onClose }: { readonly begun: Begun; readonly onClose: () => void }) {
  const [code, setCode] = useState('')
  const confirm = useChange(
    () => api.call('POST /v1/me/two-factor/confirm', { body: { code: code.replaceAll(' ', '') } }),
    () => {
      notifications.show({ message: 'The second factor is on. Every other session of yours has ended.' })
      onClose()
    },
  )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    confirm.run(undefined)
  }
  const secret = new URL(begun.totp_uri).searchParams.get('secret') ?? ''
  return (
    <Modal opened onClose={onClose} title="Add it to your authenticator" size="lg">
      <form onSubmit={submit}>
        <Stack>
          <Text size="sm">
            With the authenticator of a telephone, read this. On this device,{' '}
            <a href={begun.totp_uri}>open it in the authenticator</a>, or type the key below there.
          </Text>
          <QrCode text={begun.totp_uri} label="The key for the authenticator, as a QR code" />
          <div className="secret" data-testid="totp-secret">
            {secret.replaceAll(/(.{4})(?=.)/g, '$1 ')}
          </div>
          <Text size="sm" fw={600}>
            Recovery codes, for when the device is lost. Each works once, and they are shown this once.
          </Text>
          <pre className="code">{begun.recovery_codes.join('\n')}</pre>
          <Group>
            <CopyButton text={begun.recovery_codes.join('\n')}>Copy the recovery codes</CopyButton>
          </Group>
          <ProblemNote problem={confirm.problem} />
          <TextInput
            label="The code that it shows now"
            value={code}
            onChange={(event) => setCode(event.currentTarget.value)}
            autoComplete="one-time-code"
            inputMode="numeric"
            required
          />
          <Group>
            <Button type="submit" loading={confirm.pending}>
              Switch it on
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
