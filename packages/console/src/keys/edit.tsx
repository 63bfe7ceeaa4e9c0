import type { Key } from '@keyturn/contract'
import { Alert, Button, Group, Modal, Stack, TagsInput, Text, Textarea, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { type FormEvent, useState } from 'react'
import { api } from '../api/api.ts'
import { useChange } from '../api/use-change.ts'
import { ProblemNote } from '../ui/problem.tsx'
import { LimitFields } from './limit-fields.tsx'
import { limitsForWire, limitsOf } from './limits-typed.ts'
import { MetadataField, metadataText, readMetadata } from './metadata.tsx'

/** What was changed here and nothing else: somebody else may have changed the rest meanwhile. */
function changedOf<T extends object>(before: object, after: T): Partial<T> {
  const known = new Map(Object.entries(before))
  const isChanged = ([name, value]: [string, unknown]) => JSON.stringify(value) !== JSON.stringify(known.get(name))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- some members of `after`, under their names
  return Object.fromEntries(Object.entries(after).filter(isChanged)) as Partial<T>
}

/** Everything about a key but its value and its end. */
export function Edit({ of: key, onClose }: { readonly of: Key; readonly onClose: () => void }) {
  const [form, setForm] = useState({
    name: key.name,
    purpose: key.purpose ?? '',
    owner: key.owner ?? '',
    contact: key.contact ?? '',
    scopes: key.scopes,
    allowed_ips: key.allowed_ips,
    metadata: metadataText(key.metadata),
    limits: limitsOf(key),
  })
  // As it was when the dialog was opened: what is shown below is read anew meanwhile.
  const [before] = useState(key)
  const known = { ...before, ...limitsForWire(limitsOf(before)) }
  const metadata = readMetadata(form.metadata)
  const save = useChange(
    () =>
      api.call('PATCH /v1/keys/{key}', {
        path: { key: key.id },
        body: changedOf(known, {
          name: form.name,
          purpose: form.purpose.trim() || null,
          owner: form.owner.trim() || null,
          contact: form.contact.trim() || null,
          allowed_ips: form.allowed_ips,
          // Untouched it is not sent: a number with more digits than JavaScript has would come back as another.
          ...('value' in metadata && form.metadata !== metadataText(before.metadata) && { metadata: metadata.value }),
          ...(key.management === null && { scopes: form.scopes, ...limitsForWire(form.limits) }),
        }),
      }),
    () => {
      notifications.show({ message: `${form.name} is saved. Its value is the same as before.` })
      onClose()
    },
  )
  const set = <N extends keyof typeof form>(name: N, value: (typeof form)[N]) => setForm({ ...form, [name]: value })
  const fault = (path: string) => save.problem?.errors.find((one) => one.path.startsWith(path))?.detail
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.run(undefined)
  }
  return (
    <Modal opened onClose={onClose} title={`Edit ${key.name}`} size="lg">
      <form onSubmit={submit}>
        <Stack>
          <Text size="sm" className="soft">
            The value and the end of the key stay as they are: whoever calls with it notices nothing.
          </Text>
          <ProblemNote problem={save.problem} />
          <TextInput
            label="Name"
            value={form.name}
            onChange={(event) => set('name', event.currentTarget.value)}
            error={fault('name')}
            required
            data-autofocus
          />
          <Textarea
            label="Purpose"
            value={form.purpose}
            onChange={(event) => set('purpose', event.currentTarget.value)}
            error={fault('purpose')}
            autosize
          />
          <TextInput
            label="Owner"
            type="email"
            value={form.owner}
            onChange={(event) => set('owner', event.currentTarget.value)}
            error={fault('owner')}
          />
          {form.owner !== (key.owner ?? '') && (
            <Alert color="yellow" variant="light">
              Whoever owned it may still know its value. Rotate the key once the new owner has taken over.
            </Alert>
          )}
          <TextInput
            label="Contact"
            type="email"
            value={form.contact}
            onChange={(event) => set('contact', event.currentTarget.value)}
            error={fault('contact')}
          />
          {key.management === null && (
            <TagsInput
              label="Scopes"
              value={form.scopes}
              onChange={(scopes) => set('scopes', scopes)}
              error={fault('scopes')}
            />
          )}
          {key.kind === 'jwt' && form.scopes.join() !== key.scopes.join() && (
            <Alert color="yellow" variant="light">
              Scopes are in the token: whoever verifies it offline goes by the former ones until the next rotation.
            </Alert>
          )}
          <TagsInput
            label="Allowed addresses"
            description="None: from everywhere"
            value={form.allowed_ips}
            onChange={(ips) => set('allowed_ips', ips)}
            error={fault('allowed_ips')}
          />
          {key.management === null && (
            <LimitFields value={form.limits} onChange={(limits) => set('limits', limits)} fault={fault} />
          )}
          {key.management === null && (
            <MetadataField value={form.metadata} onChange={(text) => set('metadata', text)} error={fault('metadata')} />
          )}
          <Group>
            <Button type="submit" loading={save.pending} disabled={'fault' in metadata}>
              Save
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
