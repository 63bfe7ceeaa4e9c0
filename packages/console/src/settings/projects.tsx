import { Button, Group, Text, TextInput, VisuallyHidden } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { api } from '../api/api.ts'
import { queries } from '../api/queries.ts'
import { useChange } from '../api/use-change.ts'
import { MissingRight, useMay } from '../app/me.tsx'
import { Link } from '../ui/link.tsx'
import { Section } from '../ui/page.tsx'
import { ProblemNote, Reading } from '../ui/problem.tsx'
import { Status } from '../ui/status.tsx'

export function Projects({ org }: { readonly org: string }) {
  const may = useMay()
  const projects = useQuery(queries.projects(org))
  const [name, setName] = useState('')
  const create = useChange(
    () => api.call('POST /v1/organizations/{org}/projects', { path: { org }, body: { name } }),
    () => setName(''),
  )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    create.run(undefined)
  }
  return (
    <Section
      title="Projects"
      lead="What keys belong to. Each has a limit, a switch, and stricter rules of its own if it wants."
      flush
    >
      <Reading of={projects}>
        {(list) => (
          <table className="rows">
            <thead>
              <tr>
                <th>Name</th>
                <th>In addresses and calls</th>
                <th>API access</th>
                <th>Rules of its own</th>
                <th>
                  <VisuallyHidden>Links</VisuallyHidden>
                </th>
              </tr>
            </thead>
            <tbody>
              {list.map((project) => (
                <tr key={project.id}>
                  <td>
                    <Link to="/$org/settings/projects/$project" params={{ org, project: project.slug }} fw={600}>
                      {project.name}
                    </Link>
                  </td>
                  <td className="mono">{project.slug}</td>
                  <td>{project.api_access ? <Status tone="good">on</Status> : <Status tone="bad">off</Status>}</td>
                  <td data-label="Rules of its own">
                    {Object.keys(project.policy_overrides).length === 0
                      ? 'none'
                      : Object.keys(project.policy_overrides)
                          .map((rule) => rule.replaceAll('_', ' '))
                          .join(', ')}
                  </td>
                  <td className="act">
                    <Link
                      to="/$org/keys"
                      params={{ org }}
                      search={{ project: project.id }}
                      aria-label={`Keys of ${project.name}`}
                    >
                      Keys
                    </Link>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Reading>
      <div style={{ padding: 'var(--mantine-spacing-md)', borderTop: '1px solid var(--keyturn-line)' }}>
        {may('projects:create') ? (
          <form onSubmit={submit}>
            <ProblemNote problem={create.problem} />
            <Group gap="xs" align="flex-end">
              <TextInput
                label="New project"
                value={name}
                onChange={(event) => setName(event.currentTarget.value)}
                style={{ flex: '0 1 20rem' }}
              />
              <Button type="submit" variant="default" loading={create.pending} disabled={name.trim() === ''}>
                Create
              </Button>
              <Text size="xs" className="soft">
                It is born with its legacy key.
              </Text>
            </Group>
          </form>
        ) : (
          <MissingRight action="projects:create" doing="Creating projects" />
        )}
      </div>
    </Section>
  )
}
