import type { Project } from '@keyturn/contract'
import { Button, Group, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { api } from '../api/api.ts'
import { queries } from '../api/queries.ts'
import { useChange } from '../api/use-change.ts'
import { MissingRight, useMay, useMissingRight } from '../app/me.tsx'
import { ButtonLink } from '../ui/link.tsx'
import { Empty, Page, Section } from '../ui/page.tsx'
import { ProblemNote, Reading } from '../ui/problem.tsx'
import { ApiAccess } from './api-access.tsx'
import { PolicyForm } from './policy-form.tsx'

export function ProjectPage() {
  const { org, project: wanted } = useParams({ from: '/$org/settings/projects/$project' })
  const projects = useQuery(queries.projects(org))
  return (
    <Reading of={projects}>
      {(list) => {
        const project = list.find(({ id, slug }) => [id, slug].includes(wanted))
        if (project) return <ProjectShown key={project.id} org={org} of={project} />
        return (
          <Page title="There is no such project">
            <Empty title="It belongs to another organization, or never was" />
          </Page>
        )
      }}
    </Reading>
  )
}

function ProjectShown({ org, of: project }: { readonly org: string; readonly of: Project }) {
  const may = useMay()
  const missing = useMissingRight()
  const organization = useQuery(queries.organization(org))
  const target = { projectId: project.id }
  const path = { project: project.id }
  return (
    <Page
      title={project.name}
      lead="A project of the organization."
      actions={
        <ButtonLink to="/$org/keys" params={{ org }} search={{ project: project.id }} variant="default">
          Its keys
        </ButtonLink>
      }
    >
      <Rename of={project} may={may('projects:edit', target)} />
      <Section
        title="Rules of its own"
        lead="An empty field means: as the organization. A project can only be stricter."
      >
        {may('projects:edit', target) ? (
          <Reading of={organization}>
            {({ policy }) => (
              <PolicyForm
                policy={project.policy_overrides}
                inherited={policy}
                tryOut={(edit) =>
                  api.call('POST /v1/projects/{project}/policy/dry-run', { path, body: { policy: edit } })
                }
                save={(edit) => api.call('PATCH /v1/projects/{project}', { path, body: { policy: edit } })}
              />
            )}
          </Reading>
        ) : (
          <MissingRight action="projects:edit" doing="Changing its rules" />
        )}
      </Section>
      <ApiAccess
        on={project.api_access}
        name={project.name}
        what="project"
        may={may('projects:edit', target)}
        missing={missing('projects:edit', 'Switching it')}
        change={(on) => api.call('PATCH /v1/projects/{project}', { path, body: { api_access: on } })}
      />
    </Page>
  )
}

function Rename({ of: project, may }: { readonly of: Project; readonly may: boolean }) {
  const [name, setName] = useState(project.name)
  const save = useChange(
    () => api.call('PATCH /v1/projects/{project}', { path: { project: project.id }, body: { name } }),
    () => notifications.show({ message: 'Saved.' }),
  )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.run(undefined)
  }
  if (!may) return null
  return (
    <Section title="Name">
      <form onSubmit={submit}>
        <ProblemNote problem={save.problem} />
        <Group align="flex-end" gap="xs">
          <TextInput
            label="Name"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            required
            style={{ flex: '0 1 22rem' }}
          />
          <Button type="submit" variant="default" loading={save.pending}>
            Save
          </Button>
        </Group>
      </form>
    </Section>
  )
}
