import type { CallProblem } from '@keyturn/sdk'
import { Button, Modal, PasswordInput, Stack, Text, TextInput } from '@mantine/core'
import { type FormEvent, useEffect, useState } from 'react'
import { askWith, plainApi } from '../api/api.ts'
import { ProblemNote } from '../ui/problem.tsx'
import type { Me } from './me.tsx'

type Asked = { readonly why: 'ended' | 'recent'; readonly answer: (signedIn: boolean) => void }

/** Asks for the password where it is wanted, over the page as it is: what was typed there stays. */
export function SignInAgain({ me }: { readonly me: Me }) {
  const [asked, setAsked] = useState<Asked | null>(null)
  useEffect(() => askWith((why) => new Promise((answer) => setAsked({ why, answer }))), [])
  if (!asked) return null
  const close = (signedIn: boolean) => {
    asked.answer(signedIn)
    setAsked(null)
  }
  const title = asked.why === 'recent' ? 'Is it still you?' : 'Your session has ended'
  return (
    <Modal opened onClose={() => close(false)} title={title} zIndex={1000} centered>
      {me.session.organization_id !== null ? (
        <Stack>
          <Text size="sm">
            You came here through a product. Open this page from there once more, then do it again within 15 minutes.
          </Text>
          <Button onClick={() => close(false)}>I will</Button>
        </Stack>
      ) : (
        <PasswordForm me={me} recent={asked.why === 'recent'} onDone={() => close(true)} />
      )}
    </Modal>
  )
}

interface PasswordFormProps {
  readonly me: Me
  readonly recent: boolean
  readonly onDone: () => void
}

function PasswordForm({ me, recent, onDone }: PasswordFormProps) {
  const [password, setPassword] = useState('')
  const [code, setCode] = useState<string | null>(null)
  const [problem, setProblem] = useState<CallProblem | null>(null)
  const [pending, setPending] = useState(false)

  async function submit(event: FormEvent) {
    event.preventDefault()
    setPending(true)
    const typed = (code ?? '').replaceAll(' ', '')
    const answer =
      code === null
        ? await plainApi.call('POST /v1/sign-in', { body: { email: me.email, password } })
        : await plainApi.call('POST /v1/sign-in/second-factor', {
            body: /^\d{6}$/.test(typed) ? { code: typed } : { recovery_code: typed },
          })
    setPending(false)
    if (!answer.ok) return setProblem(answer.problem)
    setProblem(null)
    if (answer.value.second_factor_required) return setCode('')
    onDone()
  }

  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack>
        <Text size="sm">
          {recent
            ? 'This wants a sign-in of the last 15 minutes. Nothing that you typed is lost.'
            : 'Sign in, and go on where you are. Nothing that you typed is lost.'}
        </Text>
        <ProblemNote problem={problem} />
        <TextInput label="E-mail address" value={me.email} readOnly autoComplete="username" />
        {code === null ? (
          <PasswordInput
            label="Password"
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            autoComplete="current-password"
            data-autofocus
            required
          />
        ) : (
          <TextInput
            label="Code"
            description="Of your authenticator, or one of your recovery codes."
            value={code}
            onChange={(event) => setCode(event.currentTarget.value)}
            autoComplete="one-time-code"
            autoFocus
            required
          />
        )}
        <Button type="submit" loading={pending}>
          Go on
        </Button>
      </Stack>
    </form>
  )
}
