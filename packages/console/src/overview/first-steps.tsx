import type { Key } from '@keyturn/contract'
import { Button, Group, Stack, Text, TextInput, ThemeIcon } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, type ReactNode, useState } from 'react'
import { api } from '../api/api.ts'
import { queries } from '../api/queries.ts'
import { useChange } from '../api/use-change.ts'
import { Permitted } from '../app/me.tsx'
import { NewKeyButton } from '../keys/new-key-button.tsx'
import { IconCheck } from '../ui/icons.tsx'
import { Link } from '../ui/link.tsx'
import { Page } from '../ui/page.tsx'
import { ProblemNote } from '../ui/problem.tsx'

interface FirstStepsProps {
  readonly org: string
  readonly counts: Readonly<Record<Key['status'], number | string>>
}

/** Until a key is called: three steps, each ticked by what is so, not by who pressed what. */
export function FirstSteps({ org, counts }: FirstStepsProps) {
  const [organization, projects] = [useQuery(queries.organization(org)), useQuery(queries.projects(org))]
  const newest = useQuery({
    ...queries.keys(org, undefined, { sort: '-created_at', limit: 10, status: 'active' }),
    refetchInterval: 2_000,
  })
  // Each project is born with a key of its own.
  const made = typeof counts.active === 'string' || counts.active > (projects.data?.length ?? 1)
  const own = newest.data?.data.find(({ legacy }) => !legacy)
  const called = newest.data?.data.some(({ last_used_at }) => last_used_at !== null) ?? false
  const told = organization.data?.notification_email
  return (
    <Page title="Three steps to the first call" tab="Overview">
      <Stack gap="md">
        <Step number={1} done={made} title="Make a key">
          {made && own ? (
            <Text size="sm">
              <Link underline="always" to="/$org/keys/$key" params={{ org, key: own.id }}>
                {own.name}
              </Link>{' '}
              is there.
            </Text>
          ) : (
            <>
              <Text size="sm">For one integration. Only its name is needed.</Text>
              <NewKeyButton org={org} />
            </>
          )}
        </Step>
        <Step number={2} done={called} title="See its first call arrive">
          <Text size="sm" aria-live="polite">
            {called
              ? 'It has been called.'
              : 'This page waits for it. The command beside a new key is such a call, and so is every question of your product to verify.'}
          </Text>
        </Step>
        <Step number={3} done={typeof told === 'string'} title="Choose who is told">
          {typeof told === 'string' ? (
            <Text size="sm">{told} hears of what nobody else would.</Text>
          ) : (
            organization.data && (
              <Permitted action="organization:edit" doing="Choosing who is told">
                <WhoIsTold org={org} />
              </Permitted>
            )
          )}
        </Step>
      </Stack>
    </Page>
  )
}

interface StepProps {
  readonly number: number
  readonly done: boolean
  readonly title: string
  readonly children: ReactNode
}

function Step({ number, done, title, children }: StepProps) {
  return (
    <section className="card" aria-label={title}>
      <Group p="md" align="flex-start" wrap="nowrap">
        <ThemeIcon radius="xl" variant={done ? 'filled' : 'default'} size="lg" aria-hidden="true">
          {done ? <IconCheck /> : number}
        </ThemeIcon>
        <Stack gap="xs" align="flex-start" style={{ flex: 1, minWidth: 0 }}>
          <Text component="h2" fw={650}>
            {title}
            {done && (
              <Text component="span" size="sm" className="soft" fw={400}>
                {' '}
                · done
              </Text>
            )}
          </Text>
          {children}
        </Stack>
      </Group>
    </section>
  )
}

function WhoIsTold({ org }: { readonly org: string }) {
  const [email, setEmail] = useState('')
  const save = useChange(() =>
    api.call('PATCH /v1/organizations/{org}', { path: { org }, body: { notification_email: email.trim() } }),
  )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.run(undefined)
  }
  return (
    <form onSubmit={submit} style={{ width: '100%', maxWidth: '28rem' }}>
      <Stack gap="xs">
        <ProblemNote problem={save.problem} />
        <Group gap="xs" align="flex-end" wrap="nowrap">
          <TextInput
            label="The mailbox of a team"
            description="For keys whose owner is away, or of whom there is none."
            type="email"
            required
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
            style={{ flex: 1 }}
          />
          <Button type="submit" loading={save.pending}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
