import type { Organization } from '@keyturn/contract'
import { Alert, Button, Group, List, Text, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { api } from '../api/api.ts'
import { queries } from '../api/queries.ts'
import { useChange } from '../api/use-change.ts'
import { MissingRight, useMay } from '../app/me.tsx'
import { SettingsNav } from '../settings/settings-nav.tsx'
import { Link } from '../ui/link.tsx'
import { Page, Section } from '../ui/page.tsx'
import { ProblemNote, Reading } from '../ui/problem.tsx'
import { durationInWords } from '../words/time.ts'
import { Channels } from './channels.tsx'

/** Who is told of what ends, when, and where besides. */
export function RemindersPage() {
  const { org } = useParams({ from: '/$org/settings/reminders' })
  const organization = useQuery(queries.organization(org))
  return (
    <Page
      title="Reminders and channels"
      lead="Who is told of what ends, when, and which programs and mailboxes hear of it, too."
    >
      <SettingsNav />
      <NoMailServer org={org} />
      <Reading of={organization}>
        {(found) => (
          <>
            <WhoIsTold org={org} of={found} />
            <Channels org={org} />
          </>
        )}
      </Reading>
    </Page>
  )
}

function NoMailServer({ org }: { readonly org: string }) {
  const may = useMay()
  const outbox = useQuery({ ...queries.outbox(org, { limit: 1 }), enabled: may('mails:read') })
  if (outbox.data?.smtp !== false) return null
  return (
    <Alert color="yellow" variant="light" title="No mail server is set up, so nobody is mailed">
      What would have been mailed is in the{' '}
      <Link underline="always" to="/$org/settings/outbox" params={{ org }}>
        outbox
      </Link>
      , which says how to set one up. Webhooks work without it.
    </Alert>
  )
}

const listInWords = (words: readonly string[]) =>
  words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`

function WhoIsTold({ org, of: organization }: { readonly org: string; readonly of: Organization }) {
  const { reminder_thresholds, rotate_every } = organization.policy
  const thresholds = reminder_thresholds.toSorted((a, b) => b - a).map(durationInWords)
  return (
    <Section
      title="Reminders"
      lead={
        thresholds.length === 0
          ? 'Nobody is told before an end; when it has come, it is said.'
          : `${listInWords(thresholds)} before an end, and when it has come.`
      }
    >
      <List size="sm" spacing={4}>
        <List.Item>
          Its owner and contact hear of each. From 7 days on owners and administrators of the organization do, too.
        </List.Item>
        <List.Item>
          What lives so short that a reminder would come in the first two thirds of its life is spared that one.
        </List.Item>
        <List.Item>
          Of an old secret in its overlap: at half of it and an hour before, if it is still called.
          {rotate_every !== null && ' Of rotations that the policy wants: at the same times as of ends.'}
        </List.Item>
        <List.Item>One mail a day for each reader, in their morning; at once where that would be too late.</List.Item>
      </List>
      <Text size="sm">
        The times are part of the policy, in the{' '}
        <Link underline="always" to="/$org/settings" params={{ org }}>
          general settings
        </Link>
        .
      </Text>
      <TeamMailbox of={organization} />
    </Section>
  )
}

function TeamMailbox({ of: organization }: { readonly of: Organization }) {
  const may = useMay()
  const [email, setEmail] = useState(organization.notification_email ?? '')
  const save = useChange(
    () =>
      api.call('PATCH /v1/organizations/{org}', {
        path: { org: organization.id },
        body: { notification_email: email.trim() || null },
      }),
    () => notifications.show({ message: 'Saved.' }),
  )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.run(undefined)
  }
  if (!may('organization:edit'))
    return (
      <>
        <Text size="sm">Mailbox of the team: {organization.notification_email ?? 'none'}.</Text>
        <MissingRight action="organization:edit" doing="Changing it" />
      </>
    )
  return (
    <form onSubmit={submit}>
      <ProblemNote problem={save.problem} />
      <Group align="flex-end" gap="sm">
        <TextInput
          label="Mailbox of the team"
          description="Hears of keys that nobody owns, where there is no administrator either."
          placeholder="keys@example.com"
          type="email"
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
          error={save.problem?.errors.find(({ path }) => path === 'notification_email')?.detail}
          style={{ flex: '0 1 26rem' }}
        />
        <Button type="submit" variant="default" loading={save.pending}>
          Save
        </Button>
      </Group>
    </form>
  )
}
