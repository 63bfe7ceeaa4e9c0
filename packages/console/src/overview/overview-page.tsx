import type { Key } from '@keyturn/contract'
import { Alert, Button, Group, SimpleGrid, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Navigate, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { type FormEvent, type ReactNode, useState } from 'react'
import { queries } from '../api/queries.ts'
import { useHere } from '../app/me.tsx'
import { handOver } from '../check/pasted.ts'
import { NewKeyButton } from '../keys/new-key-button.tsx'
import { IconSearch } from '../ui/icons.tsx'
import { Link } from '../ui/link.tsx'
import { Page, Section } from '../ui/page.tsx'
import { Reading } from '../ui/problem.tsx'
import { FirstSteps } from './first-steps.tsx'
import { Limits } from './limits.tsx'
import { NeedsYou } from './needs-you.tsx'
import { NextWeeks } from './next-weeks.tsx'
import { useNeeds } from './use-needs.ts'

export function OverviewPage() {
  const { org } = useParams({ from: '/$org/' })
  const { all } = useSearch({ from: '/$org/' })
  const { me, membership } = useHere()
  const called = useQuery(queries.keys(org, undefined, { sort: '-last_used_at', limit: 1, status: 'active' }))
  // What concerns a member are the keys that are theirs.
  if (membership.role === 'member' && all === undefined)
    return <Navigate to="/$org/keys" params={{ org }} search={{ owner: me.email }} replace />
  return (
    <Reading of={called}>
      {({ data: [newest], counts }) =>
        newest?.last_used_at ? <Everyday org={org} counts={counts} /> : <FirstSteps org={org} counts={counts} />
      }
    </Reading>
  )
}

type Counts = Readonly<Record<Key['status'], number | string>>

function Everyday({ org, counts }: { readonly org: string; readonly counts: Counts }) {
  const needs = useNeeds(org)
  const organization = useQuery(queries.organization(org))
  const projects = useQuery(queries.projects(org))
  const off = projects.data?.filter((one) => !one.api_access) ?? []
  return (
    <Page title={needs.sentence ?? 'Overview'} tab="Overview" actions={<NewKeyButton org={org} />}>
      {organization.data?.api_access === false && (
        <Alert color="red" variant="light" title="API access is off">
          Every key of the organization is refused. None is changed: switch it on and all work again, in the{' '}
          <Link underline="always" to="/$org/settings" params={{ org }}>
            settings
          </Link>
          .
        </Alert>
      )}
      {organization.data?.api_access !== false && off.length > 0 && (
        <Alert color="red" variant="light" title={`API access is off in ${off.map(({ name }) => name).join(', ')}`}>
          Keys there are refused, and work again once it is on.
        </Alert>
      )}
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <FindKey org={org}>
          <Group gap="xl">
            <Tally of={counts.active} what="active" org={org} status="active" />
            <Tally of={counts.disabled} what="disabled" org={org} status="disabled" />
            <Tally of={counts.expired} what="expired" org={org} status="expired" />
          </Group>
        </FindKey>
        <Section title="How full each project is">
          {projects.data && <Limits org={org} projects={projects.data} />}
        </Section>
      </SimpleGrid>
      <NeedsYou org={org} needs={needs} />
      <NextWeeks org={org} />
    </Page>
  )
}

interface TallyProps {
  readonly of: number | string
  readonly what: string
  readonly org: string
  readonly status: string
}

function Tally({ of, what, org, status }: TallyProps) {
  return (
    <Link to="/$org/keys" params={{ org }} search={{ status }} underline="hover">
      <Text component="span" size="1.5rem" fw={650} c="var(--mantine-color-text)">
        {of.toLocaleString()}
      </Text>{' '}
      {what}
    </Link>
  )
}

/** A name leads to the list; what looks like a value is never put into an address: it is asked for on its own page. */
function FindKey({ org, children }: { readonly org: string; readonly children: ReactNode }) {
  const [text, setText] = useState('')
  const navigate = useNavigate()
  const looksLikeValue = /^\S{24,}$/.test(text.trim()) && !/^(key|sec)_/.test(text.trim())
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (looksLikeValue) {
      handOver(text)
      void navigate({ to: '/$org/check', params: { org } })
    } else void navigate({ to: '/$org/keys', params: { org }, search: { q: text.trim() } })
  }
  return (
    <Section title="Find or check a key">
      <form onSubmit={submit}>
        <Group gap="xs" wrap="nowrap">
          <TextInput
            aria-label="A name, an owner, or a value"
            placeholder="A name, an owner, or a pasted value"
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            autoComplete="off"
            style={{ flex: 1 }}
            leftSection={<IconSearch size={16} />}
          />
          <Button type="submit" variant="default" disabled={text.trim() === ''}>
            {looksLikeValue ? 'Check' : 'Find'}
          </Button>
        </Group>
      </form>
      <Text size="xs" className="soft">
        A value that is pasted here is asked about, and kept nowhere.
      </Text>
      {children}
    </Section>
  )
}
