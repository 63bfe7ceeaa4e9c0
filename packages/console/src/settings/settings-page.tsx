import type { Organization } from '@keyturn/contract'
import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { api } from '../api/api.ts'
import { queries } from '../api/queries.ts'
import { useChange } from '../api/use-change.ts'
import { MissingRight, useMay, useMissingRight } from '../app/me.tsx'
import { ButtonLink } from '../ui/link.tsx'
import { Page, Section } from '../ui/page.tsx'
import { ProblemNote, Reading } from '../ui/problem.tsx'
import { ApiAccess } from './api-access.tsx'
import { ManagementKeys } from './management-keys.tsx'
import { PolicyForm } from './policy-form.tsx'
import { Projects } from './projects.tsx'
import { SettingsNav } from './settings-nav.tsx'

export function SettingsPage() {
  const { org } = useParams({ from: '/$org/settings' })
  const organization = useQuery(queries.organization(org))
  const may = useMay()
  const missing = useMissingRight()
  const path = { org }
  return (
    <Page
      title="Settings"
      actions={
        <ButtonLink to="/$org/settings/api-keys" params={{ org }} variant="default">
          API keys
        </ButtonLink>
      }
    >
      <SettingsNav />
      <Reading of={organization}>
        {(found) => (
          <>
            <About of={found} />
            <Projects org={org} />
            <Section
              title="Policy"
              lead="The rules for keys made or extended from now on. A project may only make them stricter. Keys that exist keep what they have."
            >
              {may('organization:edit') ? (
                <PolicyForm
                  policy={found.policy}
                  inherited={null}
                  tryOut={(policy) =>
                    api.call('POST /v1/organizations/{org}/policy/dry-run', { path, body: { policy } })
                  }
                  save={(policy) => api.call('PATCH /v1/organizations/{org}', { path, body: { policy } })}
                />
              ) : (
                <MissingRight action="organization:edit" doing="Changing the policy" />
              )}
            </Section>
            <ApiAccess
              on={found.api_access}
              name={found.name}
              what="organization"
              may={may('organization:edit')}
              missing={missing('organization:edit', 'Switching it')}
              change={(on) => api.call('PATCH /v1/organizations/{org}', { path, body: { api_access: on } })}
            />
            <ManagementKeys org={org} />
          </>
        )}
      </Reading>
    </Page>
  )
}

function About({ of: organization }: { readonly of: Organization }) {
  const may = useMay()
  const [name, setName] = useState(organization.name)
  const save = useChange(
    () =>
      api.call('PATCH /v1/organizations/{org}', {
        path: { org: organization.id },
        body: { name },
      }),
    () => notifications.show({ message: 'Saved.' }),
  )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.run(undefined)
  }
  const fault = (path: string) => save.problem?.errors.find((one) => one.path === path)?.detail
  return (
    <Section title="Organization">
      {may('organization:edit') ? (
        <form onSubmit={submit}>
          <Stack>
            <ProblemNote problem={save.problem} />
            <Group align="flex-end" gap="sm">
              <TextInput
                label="Name"
                value={name}
                onChange={(event) => setName(event.currentTarget.value)}
                error={fault('name')}
                required
                style={{ flex: '1 1 14rem' }}
              />
              <Button type="submit" loading={save.pending}>
                Save
              </Button>
            </Group>
            <Text size="xs" className="soft">
              In addresses and calls: <span className="mono">{organization.slug}</span>,{' '}
              <span className="mono">{organization.id}</span>
            </Text>
          </Stack>
        </form>
      ) : (
        <>
          <Text size="sm">{organization.name}</Text>
          <MissingRight action="organization:edit" doing="Changing this" />
        </>
      )}
    </Section>
  )
}
