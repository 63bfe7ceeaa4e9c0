import { type Member, type Project, type ProjectRole, projectRoles, type Role, roles } from '@keyturn/contract'
import { ActionIcon, Button, Group, Select, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { queries } from '../api/queries.ts'
import { roleWords } from '../words/words.ts'

/** What somebody is: on the whole organization, and on single projects beside it or instead. */
export interface Roles {
  readonly role: Role | null
  readonly projects: readonly RoleOn[]
}

interface RoleOn {
  readonly project: string
  readonly role: ProjectRole
}

export const rolesOf = ({ role, projects }: Pick<Member, 'role' | 'projects'>): Roles => ({
  role,
  projects: projects.map(({ project_id, role: on }) => ({ project: project_id, role: on })),
})

/** As the API takes them. */
export const wireRoles = ({ role, projects }: Roles) => ({ role, projects: projects.map((one) => ({ ...one })) })

export const isSomewhere = ({ role, projects }: Roles): boolean => role !== null || projects.length > 0

const nowhere = 'none'
const choices = [
  ...roles.map((role) => ({ value: role, label: roleWords[role].name })),
  { value: nowhere, label: 'None: on projects alone' },
]
const projectChoices = projectRoles.map((role) => ({ value: role, label: roleWords[role].name }))
const isRole = (text: string | null): text is Role => roles.some((role) => role === text)
const isProjectRole = (text: string | null): text is ProjectRole => projectRoles.some((role) => role === text)

interface RolesFormProps {
  readonly org: string
  readonly value: Roles
  readonly onChange: (value: Roles) => void
}

export function RolesForm({ org, value: { role, projects }, onChange }: RolesFormProps) {
  const known = useQuery(queries.projects(org)).data ?? []
  const free = known.filter(({ id }) => !projects.some(({ project }) => project === id))
  const set = (next: readonly RoleOn[]) => onChange({ role, projects: next })
  return (
    <Stack>
      <Select
        label="Role in the organization"
        description={role === null ? 'They see and do only what their roles on projects allow.' : roleWords[role].about}
        data={choices}
        value={role ?? nowhere}
        allowDeselect={false}
        onChange={(chosen) => onChange({ role: isRole(chosen) ? chosen : null, projects })}
      />
      <div>
        <Text size="sm" fw={600}>
          Roles on single projects
        </Text>
        <Text size="xs" className="soft">
          {role === null ? 'At least one.' : 'What they may do there beyond their role in the organization.'}
        </Text>
        <Stack gap="xs" mt={6}>
          {projects.map((one) => (
            <RoleOnProject
              key={one.project}
              of={one}
              name={known.find(({ id }) => id === one.project)?.name ?? one.project}
              onChange={(next) => set(projects.map((other) => (other === one ? next : other)))}
              onRemove={() => set(projects.filter((other) => other !== one))}
            />
          ))}
          {free.length > 0 && (
            <AddProject free={free} onAdd={(project) => set([...projects, { project, role: 'member' }])} />
          )}
        </Stack>
      </div>
    </Stack>
  )
}

interface RoleOnProjectProps {
  readonly of: RoleOn
  readonly name: string
  readonly onChange: (role: RoleOn) => void
  readonly onRemove: () => void
}

function RoleOnProject({ of: { project, role }, name, onChange, onRemove }: RoleOnProjectProps) {
  return (
    <Group gap="xs" wrap="nowrap">
      <Text size="sm" style={{ flex: 1, minWidth: 0, overflowWrap: 'anywhere' }}>
        {name}
      </Text>
      <Select
        aria-label={`Role on ${name}`}
        data={projectChoices}
        value={role}
        allowDeselect={false}
        w="10rem"
        onChange={(chosen) => isProjectRole(chosen) && onChange({ project, role: chosen })}
      />
      <ActionIcon variant="default" size="lg" aria-label={`No role on ${name}`} onClick={onRemove}>
        <span aria-hidden="true">×</span>
      </ActionIcon>
    </Group>
  )
}

interface AddProjectProps {
  readonly free: readonly Pick<Project, 'id' | 'name'>[]
  readonly onAdd: (project: string) => void
}

function AddProject({ free, onAdd }: AddProjectProps) {
  const [first] = free
  if (free.length === 1 && first)
    return (
      <Group>
        <Button variant="default" size="compact-sm" onClick={() => onAdd(first.id)}>
          Give a role on {first.name}
        </Button>
      </Group>
    )
  return (
    <Select
      aria-label="Give a role on a project"
      placeholder="Give a role on a project"
      data={free.map(({ id, name }) => ({ value: id, label: name }))}
      value={null}
      searchable
      onChange={(chosen) => chosen !== null && onAdd(chosen)}
    />
  )
}
