import { type ManagementScope, managementScopes } from '@keyturn/contract'
import type { IssuedKey } from '@keyturn/sdk'
import { Button, Checkbox, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { api } from '../api/api.ts'
import { useIdempotencyKey } from '../api/idempotency-key.ts'
import { queries } from '../api/queries.ts'
import { useChange } from '../api/use-change.ts'
import { MissingRight, useMay } from '../app/me.tsx'
import { type End, EndChoice, endForWire } from '../keys/end-choice.tsx'
import { SecretShown } from '../keys/secret-shown.tsx'
import { Link } from '../ui/link.tsx'
import { Section } from '../ui/page.tsx'
import { ProblemNote, Reading } from '../ui/problem.tsx'
import { KeyStatus } from '../ui/status.tsx'
import { When } from '../ui/when.tsx'

/** With what programs call this API. */
export function ManagementKeys({ org }: { readonly org: string }) {
  const may = useMay()
  const mayRead = may('management_keys:read')
  const list = useQuery({ ...queries.managementKeys(org), enabled: mayRead })
  const [making, setMaking] = useState(false)
  return (
    <Section
      title="Management keys"
      lead="With what programs call this API: your product to verify, a pipeline to make keys. They end like any other."
      actions={
        may('management_keys:create') && (
          <Button variant="default" size="compact-sm" onClick={() => setMaking(true)}>
            New management key
          </Button>
        )
      }
      flush
    >
      {!mayRead ? (
        <div style={{ padding: 'var(--mantine-spacing-md)' }}>
          <MissingRight action="management_keys:read" doing="Seeing management keys" />
        </div>
      ) : (
        <Reading of={list}>
          {({ data }) =>
            data.length === 0 ? (
              <Text size="sm" className="soft" p="md">
                None yet. Your product needs one with the scope verify.
              </Text>
            ) : (
              <table className="rows">
                <thead>
                  <tr>
                    <th>Name</th>
                    <th>Scopes</th>
                    <th>Status</th>
                    <th>Ends</th>
                    <th>Last used</th>
                  </tr>
                </thead>
                <tbody>
                  {data.map((key) => (
                    <tr key={key.id}>
                      <td>
                        <Link to="/$org/keys/$key" params={{ org, key: key.id }} fw={600}>
                          {key.name}
                        </Link>
                      </td>
                      <td data-label="Scopes">{key.scopes.join(', ')}</td>
                      <td>
                        <KeyStatus of={key} />
                      </td>
                      <td data-label="Ends">
                        <When at={key.next_expiry_at} />
                      </td>
                      <td data-label="Last used">
                        <When at={key.last_used_at} />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )
          }
        </Reading>
      )}
      {making && <NewManagementKey org={org} onClose={() => setMaking(false)} />}
    </Section>
  )
}

function NewManagementKey({ org, onClose }: { readonly org: string; readonly onClose: () => void }) {
  const [name, setName] = useState('')
  const [scopes, setScopes] = useState<string[]>(['keys:read'])
  const [end, setEnd] = useState<End>({ kind: 'days', days: 90 })
  const [issued, setIssued] = useState<IssuedKey | null>(null)
  const idempotencyKey = useIdempotencyKey()
  const chosen = managementScopes.filter((scope): scope is ManagementScope => scopes.includes(scope))
  const create = useChange(() => {
    const body = { name, scopes: chosen, ...endForWire(end) }
    return api.call('POST /v1/organizations/{org}/management-keys', {
      path: { org },
      body,
      idempotencyKey: idempotencyKey(body),
    })
  }, setIssued)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    create.run(undefined)
  }
  if (issued)
    return (
      <Modal
        opened
        onClose={() => {}}
        withCloseButton={false}
        closeOnEscape={false}
        closeOnClickOutside={false}
        size="lg"
        title={`${issued.key.name} is ready`}
      >
        <SecretShown name={issued.key.name} kind="secret" secret={issued.secret} management onDone={onClose} />
      </Modal>
    )
  return (
    <Modal opened onClose={onClose} title="New management key" size="lg">
      <form onSubmit={submit}>
        <Stack>
          <ProblemNote problem={create.problem} />
          <TextInput
            label="Name"
            description="Which program calls with it: Deploy pipeline"
            required
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={create.problem?.errors.find(({ path }) => path === 'name')?.detail}
            data-autofocus
          />
          <Checkbox.Group label="Scopes" value={scopes} onChange={setScopes}>
            <Group mt={6} gap="sm">
              {managementScopes.map((scope) => (
                <Checkbox key={scope} value={scope} label={scope} size="xs" />
              ))}
            </Group>
          </Checkbox.Group>
          <EndChoice
            label="Ends"
            value={end}
            onChange={setEnd}
            policy={{ max_lifetime: null, allow_never_expires: false }}
          />
          <Group>
            <Button type="submit" loading={create.pending} disabled={chosen.length === 0}>
              Create it
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
