import { Button, Group, PasswordInput, Stack } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { type FormEvent, useState } from 'react'
import { api } from '../api/api.ts'
import { useChange } from '../api/use-change.ts'
import { Section } from '../ui/page.tsx'
import { ProblemNote } from '../ui/problem.tsx'

export function ChangePassword() {
  const [current, setCurrent] = useState('')
  const [wanted, setWanted] = useState('')
  const change = useChange(
    () => api.call('POST /v1/me/password', { body: { current_password: current, password: wanted } }),
    () => {
      setCurrent('')
      setWanted('')
      notifications.show({ message: 'The new password holds. Every other session of yours has ended.' })
    },
  )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    change.run(undefined)
  }
  return (
    <Section title="Password">
      <form onSubmit={submit}>
        <Stack maw="26rem">
          <ProblemNote problem={change.problem} />
          <PasswordInput
            label="The one that you have"
            value={current}
            onChange={(event) => setCurrent(event.currentTarget.value)}
            autoComplete="current-password"
            required
          />
          <PasswordInput
            label="The new one"
            description="At least 15 characters. Four or five words that nobody would guess are best."
            value={wanted}
            onChange={(event) => setWanted(event.currentTarget.value)}
            autoComplete="new-password"
            required
          />
          <Group>
            <Button type="submit" variant="default" loading={change.pending}>
              Change it
            </Button>
          </Group>
        </Stack>
      </form>
    </Section>
  )
}
