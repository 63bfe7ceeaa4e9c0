import type { Key } from '@keyturn/contract'
import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { type FormEvent, useState } from 'react'
import { api } from '../api/api.ts'
import { useChange } from '../api/use-change.ts'
import { ProblemNote } from '../ui/problem.tsx'
import { WhatBreaks } from './what-breaks.tsx'

interface DeleteProps {
  readonly of: Pick<Key, 'id' | 'name'>
  readonly onClose: () => void
  readonly onDeleted?: () => void
}

export function Delete({ of: key, onClose, onDeleted = onClose }: DeleteProps) {
  const [typed, setTyped] = useState('')
  const remove = useChange(
    () => api.call('DELETE /v1/keys/{key}', { path: { key: key.id }, body: { confirm: typed } }),
    {
      done: () => {
        notifications.show({ message: `${key.name} is deleted. Its history is in the audit log.` })
        onDeleted()
      },
      gone: ['key', 'cut-over', 'usage', 'claim-links', 'audit-events', 'reminders', 'reminders-to-come'],
    },
  )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    remove.run(undefined)
  }
  return (
    <Modal opened onClose={onClose} title={`Delete ${key.name}`} size="lg">
      <form onSubmit={submit}>
        <Stack>
          <Text size="sm">
            It is revoked, leaves every list, and cannot be brought back. Its history stays in the audit log. To end it
            and keep its record in view, revoke it instead.
          </Text>
          <WhatBreaks keyId={key.id} />
          <ProblemNote problem={remove.problem} />
          <TextInput
            label="Type DELETE"
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            autoComplete="off"
            data-autofocus
          />
          <Group>
            <Button type="submit" color="red" disabled={typed !== 'DELETE'} loading={remove.pending}>
              Delete the key
            </Button>
            <Button variant="default" onClick={onClose}>
              Leave it
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
