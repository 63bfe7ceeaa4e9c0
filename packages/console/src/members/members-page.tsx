import { type Member, type Role, roles } from '@keyturn/contract'
import { Button, Group, Menu, Modal, Stack, Text, TextInput, VisuallyHidden } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { api } from '../api/api.ts'
import { queries } from '../api/queries.ts'
import { useChange } from '../api/use-change.ts'
import { MissingRight, Permitted, useHere, useMay } from '../app/me.tsx'
import { CopyButton } from '../ui/copy.tsx'
import { Page, Section } from '../ui/page.tsx'
import { ProblemNote, Reading } from '../ui/problem.tsx'
import { sayProblem } from '../ui/say-problem.ts'
import { When } from '../ui/when.tsx'
import { roleWords } from '../words/words.ts'
import { isSomewhere, type Roles, RolesForm, rolesOf, wireRoles } from './roles-form.tsx'

export function MembersPage() {
  const { org } = useParams({ from: '/$org/members' })
  const may = useMay()
  const mayRead = may('members:read')
  const members = useQuery({ ...queries.members(org), enabled: mayRead })
  const invitations = useQuery({ ...queries.invitations(org), enabled: mayRead })
  const [inviting, setInviting] = useState(false)
  const [link, setLink] = useState<{ title: string; url: string } | null>(null)
  if (!mayRead)
    return (
      <Page title="Members">
        <MissingRight action="members:read" doing="Seeing the members" />
      </Page>
    )
  return (
    <Page
      title="Members"
      lead="Who may do what here, and what they would leave behind."
      actions={
        <Permitted action="members:write" doing="Inviting">
          <Button onClick={() => setInviting(true)}>Invite</Button>
        </Permitted>
      }
    >
      <Section title="People" flush>
        <Reading of={members}>
          {(list) => (
            <table className="rows">
              <thead>
                <tr>
                  <th>Name</th>
                  <th>Role</th>
                  <th>Second factor</th>
                  <th>Last signed in</th>
                  <th>Joined</th>
                  <th>
                    <VisuallyHidden>Actions</VisuallyHidden>
                  </th>
                </tr>
              </thead>
              <tbody>
                {list.map((member) => (
                  <MemberRow key={member.id} org={org} of={member} onLink={setLink} />
                ))}
              </tbody>
            </table>
          )}
        </Reading>
      </Section>
      <Section title="Open invitations">
        <Reading of={invitations}>
          {(list) =>
            list.length === 0 ? (
              <Text size="sm" className="soft">
                None. Whoever is invited gets a link that works for a week.
              </Text>
            ) : (
              <Stack gap="xs">
                {list.map((one) => (
                  <Invitation
                    key={one.id}
                    org={org}
                    id={one.id}
                    email={one.email}
                    role={one.role}
                    projects={one.projects}
                    until={one.expires_at}
                  />
                ))}
              </Stack>
            )
          }
        </Reading>
      </Section>
      <Section title="Roles">
        <dl className="facts">
          {roles.map((role) => (
            <div key={role} style={{ display: 'contents' }}>
              <dt>{roleWords[role].name}</dt>
              <dd>{roleWords[role].about}</dd>
            </div>
          ))}
        </dl>
      </Section>
      {inviting && <Invite org={org} onClose={() => setInviting(false)} onLink={setLink} />}
      {link && (
        <Modal opened onClose={() => setLink(null)} title={link.title} size="lg">
          <Stack>
            <Text size="sm">No mail is set up here, so the link is handed over by you. It is shown this once.</Text>
            <div className="secret">{link.url}</div>
            <Group>
              <CopyButton text={link.url}>Copy the link</CopyButton>
              <Button variant="default" onClick={() => setLink(null)}>
                Close
              </Button>
            </Group>
          </Stack>
        </Modal>
      )}
    </Page>
  )
}

type OnLink = (link: { title: string; url: string }) => void

interface MemberRowProps {
  readonly org: string
  readonly of: Member
  readonly onLink: OnLink
}

function MemberRow({ org, of: member, onLink }: MemberRowProps) {
  const { me } = useHere()
  const may = useMay()
  const navigate = useNavigate()
  const [choosing, setChoosing] = useState(false)
  const path = { org, member: member.id }
  const reset = useChange(() => api.call('POST /v1/organizations/{org}/members/{member}/password-reset', { path }), {
    done: ({ url }) => {
      if (url === null) notifications.show({ message: `A link for a new password is on its way to ${member.email}.` })
      else onLink({ title: `A new password for ${member.name}`, url })
    },
    failed: sayProblem,
  })
  return (
    <tr>
      <td className="c-name">
        <strong>{member.name}</strong>
        {member.id === me.id && <span className="soft"> (you)</span>}
        <Text size="xs" className="soft">
          {member.email}
          {member.via === 'portal' && ', through a product'}
        </Text>
      </td>
      <td data-label="Role">
        {member.role === null ? 'On projects' : roleWords[member.role].name}
        {member.projects.length > 0 && (
          <Text size="xs" className="soft">
            <OnProjects org={org} of={member.projects} />
          </Text>
        )}
      </td>
      <td data-label="Second factor">{member.two_factor ? 'on' : 'off'}</td>
      <td data-label="Last signed in">
        <When at={member.last_signed_in_at} />
      </td>
      <td data-label="Joined">
        <When at={member.joined_at} />
      </td>
      <td className="act">
        {may('members:write') && (
          <Menu position="bottom-end">
            <Menu.Target>
              <Button variant="default" size="compact-sm" aria-label={`Change ${member.name}`}>
                Change
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => setChoosing(true)}>Give another role</Menu.Item>
              <Menu.Item onClick={() => reset.run(undefined)}>Link for a new password</Menu.Item>
              {member.id !== me.id && (
                <Menu.Item
                  color="var(--mantine-color-error)"
                  onClick={() =>
                    void navigate({ to: '/$org/members/$member/leaving', params: { org, member: member.id } })
                  }
                >
                  They leave…
                </Menu.Item>
              )}
            </Menu.Dropdown>
          </Menu>
        )}
        {choosing && <ChangeRole org={org} of={member} onClose={() => setChoosing(false)} />}
      </td>
    </tr>
  )
}

function ChangeRole({ org, of: member, onClose }: Omit<MemberRowProps, 'onLink'> & { readonly onClose: () => void }) {
  const [given, setGiven] = useState<Roles>(rolesOf(member))
  const save = useChange(
    () =>
      api.call('PATCH /v1/organizations/{org}/members/{member}', {
        path: { org, member: member.id },
        body: wireRoles(given),
      }),
    onClose,
  )
  return (
    <Modal opened onClose={onClose} title={`The role of ${member.name}`}>
      <Stack>
        <ProblemNote problem={save.problem} />
        <RolesForm org={org} value={given} onChange={setGiven} />
        <Group>
          <Button loading={save.pending} disabled={!isSomewhere(given)} onClick={() => save.run(undefined)}>
            Give it
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}

/** "manager on Storefront, auditor on Back office". */
function OnProjects({ org, of: given }: { readonly org: string; readonly of: Member['projects'] }) {
  const projects = useQuery(queries.projects(org)).data ?? []
  return given
    .map(({ project_id, role }) => {
      const name = projects.find(({ id }) => id === project_id)?.name ?? 'a project'
      return `${roleWords[role].name.toLowerCase()} on ${name}`
    })
    .join(', ')
}

interface InviteProps {
  readonly org: string
  readonly onClose: () => void
  readonly onLink: OnLink
}

function Invite({ org, onClose, onLink }: InviteProps) {
  const [email, setEmail] = useState('')
  const [given, setGiven] = useState<Roles>({ role: 'member', projects: [] })
  const invite = useChange(
    () =>
      api.call('POST /v1/organizations/{org}/invitations', {
        path: { org },
        body: { email: email.trim(), ...wireRoles(given) },
      }),
    ({ invitation, url }) => {
      onClose()
      if (url === null) notifications.show({ message: `The invitation is on its way to ${invitation.email}.` })
      else onLink({ title: `The invitation of ${invitation.email}`, url })
    },
  )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    invite.run(undefined)
  }
  return (
    <Modal opened onClose={onClose} title="Invite somebody">
      <form onSubmit={submit}>
        <Stack>
          <ProblemNote problem={invite.problem} />
          <TextInput
            label="E-mail address"
            type="email"
            required
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
            error={invite.problem?.errors.find(({ path }) => path === 'email')?.detail}
            data-autofocus
          />
          <RolesForm org={org} value={given} onChange={setGiven} />
          <Group>
            <Button type="submit" loading={invite.pending} disabled={!isSomewhere(given)}>
              Invite
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

interface InvitationProps {
  readonly org: string
  readonly id: string
  readonly email: string
  readonly role: Role | null
  readonly projects: Member['projects']
  readonly until: string
}

function Invitation({ org, id, email, role, projects, until }: InvitationProps) {
  const may = useMay()
  const withdraw = useChange(
    () => api.call('DELETE /v1/organizations/{org}/invitations/{invitation}', { path: { org, invitation: id } }),
    { failed: sayProblem },
  )
  return (
    <Group justify="space-between" gap="xs">
      <Text size="sm">
        <strong>{email}</strong>, {role !== null && roleWords[role].name.toLowerCase()}
        {role !== null && projects.length > 0 && ', '}
        <OnProjects org={org} of={projects} />; the link works no more <When at={until} />
      </Text>
      {may('members:withdraw') && (
        <Button
          variant="default"
          size="compact-xs"
          loading={withdraw.pending}
          onClick={() => withdraw.run(undefined)}
          aria-label={`Withdraw the invitation of ${email}`}
        >
          Withdraw
        </Button>
      )}
    </Group>
  )
}
