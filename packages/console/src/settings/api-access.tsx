import type { Result } from '@keyturn/sdk'
import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useChange } from '../api/use-change.ts'
import { Section } from '../ui/page.tsx'
import { ProblemNote } from '../ui/problem.tsx'
import { Status } from '../ui/status.tsx'

interface ApiAccessProps {
  readonly on: boolean
  /** Of what it is switched: typed before it goes off. */
  readonly name: string
  readonly what: 'organization' | 'project'
  readonly may: boolean
  readonly missing: string
  readonly change: (on: boolean) => Promise<Result<unknown>>
}

/** The big switch. Off, every key is refused and none is changed; on, all work again. */
export function ApiAccess({ on, name, what, may, missing, change }: ApiAccessProps) {
  const [asking, setAsking] = useState(false)
  const [typed, setTyped] = useState('')
  const close = () => {
    setAsking(false)
    setTyped('')
  }
  const turn = useChange((wanted: boolean) => change(wanted), close)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    turn.run(false)
  }
  return (
    <Section
      title="API access"
      lead={`Off, every key of the ${what} is refused at once, and none is changed. On, all of them work again. Management keys and people are not concerned.`}
    >
      <Group gap="md">
        {on ? <Status tone="good">On</Status> : <Status tone="bad">Off: every key is refused</Status>}
        {!may ? (
          <Text size="sm" className="soft">
            {missing}
          </Text>
        ) : on ? (
          <Button color="red" variant="outline" onClick={() => setAsking(true)}>
            Switch it off…
          </Button>
        ) : (
          <Button loading={turn.pending} onClick={() => turn.run(true)}>
            Switch it on
          </Button>
        )}
      </Group>
      {!asking && <ProblemNote problem={turn.problem} />}
      {asking && (
        <Modal opened onClose={close} title={`Switch the API access of ${name} off`}>
          <form onSubmit={submit}>
            <Stack>
              <Text size="sm">
                Every call with every key of this {what} is refused until it is switched on again. That is for an
                emergency: to end one key, revoke that one.
              </Text>
              <ProblemNote problem={turn.problem} />
              <TextInput
                label={`Type ${name}`}
                value={typed}
                onChange={(event) => setTyped(event.currentTarget.value)}
                autoComplete="off"
                data-autofocus
              />
              <Group>
                <Button type="submit" color="red" disabled={typed.trim() !== name} loading={turn.pending}>
                  Switch it off
                </Button>
                <Button variant="default" onClick={close}>
                  Leave it on
                </Button>
              </Group>
            </Stack>
          </form>
        </Modal>
      )}
    </Section>
  )
}
