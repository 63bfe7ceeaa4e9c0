import type { Key, Propagation } from '@keyturn/contract'
import type { AnswerOf } from '@keyturn/sdk'
import { Alert, Button, Group, Modal, Stack, Text, Textarea } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/api.ts'
import { queries } from '../api/queries.ts'
import { useChange } from '../api/use-change.ts'
import { useNow } from '../clock.ts'
import { ProblemNote } from '../ui/problem.tsx'
import { Status } from '../ui/status.tsx'
import { dayMs, parseTime } from '../words/time.ts'
import { OfflineNote, OfflineUntil } from './offline-note.tsx'
import { WhatBreaks } from './what-breaks.tsx'

interface RevokeProps {
  readonly of: Pick<Key, 'id' | 'name' | 'kind' | 'status' | 'last_used_at'>
  readonly onClose: () => void
}

/** For ever. Says what will break, offers what can be taken back, and shows that it holds everywhere. */
export function Revoke({ of: key, onClose }: RevokeProps) {
  const [reason, setReason] = useState('')
  const now = useNow()
  const path = { key: key.id }
  const disable = useChange(() => api.call('POST /v1/keys/{key}/disable', { path }))
  const revoke = useChange(() =>
    // Shown node by node meanwhile, so that nobody waits before a page that says nothing.
    api.call('POST /v1/keys/{key}/revoke', { path, body: { reason, wait: 'propagated', wait_timeout: 0 } }),
  )
  const isInUse = key.last_used_at !== null && now - parseTime(key.last_used_at) < 30 * dayMs
  if (revoke.value) return <Revoked name={key.name} first={revoke.value.propagation} onClose={onClose} />
  return (
    <Modal opened onClose={onClose} title={`Revoke ${key.name}`} size="lg">
      <Stack>
        <Text size="sm">Every call with it is refused from then on, on every node, for ever. Its record stays.</Text>
        <OfflineNote kind={key.kind} />
        <WhatBreaks keyId={key.id} />
        {isInUse && key.status === 'active' && !disable.value && (
          <Alert color="accent" variant="light" title="Disable it first?">
            <Text size="sm">
              That refuses the same calls, and can be taken back. If nobody complains, revoke it tomorrow.
            </Text>
            <Button mt="xs" size="compact-sm" loading={disable.pending} onClick={() => disable.run(undefined)}>
              Disable it instead
            </Button>
          </Alert>
        )}
        {disable.value && (
          <Alert color="accent" variant="light" title="It is disabled">
            Its calls are refused. Enable it on its page if somebody misses it; close this, or revoke it now.
            <OfflineNote kind={key.kind} />
          </Alert>
        )}
        <ProblemNote problem={disable.problem ?? revoke.problem} />
        <Textarea
          label="Reason"
          description="Whoever wonders in a year why reads it on the key and in the audit log."
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          required
          autosize
          minRows={2}
          data-autofocus
        />
        <Group>
          <Button
            color="red"
            disabled={reason.trim() === ''}
            loading={revoke.pending}
            onClick={() => revoke.run(undefined)}
          >
            Revoke for ever
          </Button>
          <Button variant="default" onClick={onClose}>
            {disable.value ? 'Close' : 'Leave it'}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}

type RevocationPropagation = AnswerOf<'POST /v1/keys/{key}/revoke'>['propagation']

interface RevokedProps {
  readonly name: string
  readonly first: RevocationPropagation
  readonly onClose: () => void
}

function Revoked({ name, first, onClose }: RevokedProps) {
  return (
    <Modal opened onClose={onClose} title={`${name} is revoked`}>
      <Stack>
        <PropagationShown first={first} />
        <OfflineUntil at={first.offline_until} />
        <Group>
          <Button onClick={onClose} data-autofocus>
            Close
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}

/** How far a change has come, node by node, until it is everywhere. */
export function PropagationShown({ first }: { readonly first: Propagation }) {
  const [waited] = useState(() => new Set(first.pending))
  const later = useQuery({
    ...queries.propagation(first.sequence),
    initialData: first,
    staleTime: 0,
    refetchInterval: (query) => (query.state.data?.complete ? false : 400),
  })
  const { complete, pending } = later.data
  for (const node of pending) waited.add(node)
  return (
    <Stack gap="xs" aria-live="polite">
      <Text fw={600}>
        {complete ? 'No node accepts it any more.' : 'On its way to every node that answers verdicts.'}
      </Text>
      {[...waited].map((node) => (
        <Group key={node} gap="sm">
          <span className="mono">{node}</span>
          {pending.includes(node) ? (
            <Status tone="warn">may still accept it</Status>
          ) : (
            <Status tone="good">refuses it</Status>
          )}
        </Group>
      ))}
      <Text size="sm" className="soft">
        {complete
          ? `Change ${first.sequence} has been reported by every node, or their leave to answer from memory has run out.`
          : 'A node that is cut off stops answering from memory by itself; this goes on until it is certain.'}
      </Text>
    </Stack>
  )
}
