import type { Key } from '@keyturn/contract'
import type { IssuedKey } from '@keyturn/sdk'
import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { api } from '../api/api.ts'
import { useIdempotencyKey } from '../api/idempotency-key.ts'
import { useChange } from '../api/use-change.ts'
import { MissingRight, useMay } from '../app/me.tsx'
import { Section } from '../ui/page.tsx'
import { ProblemNote } from '../ui/problem.tsx'
import { OfflineNote } from './offline-note.tsx'
import { SecretShown } from './secret-shown.tsx'
import { targetOf } from './target.ts'
import { WhatBreaks } from './what-breaks.tsx'

interface LeakedProps {
  readonly of: Key
  readonly onRevoke: () => void
}

/** When somebody else has it: the two ways, and what each of them breaks. */
export function Leaked({ of: key, onRevoke }: LeakedProps) {
  const may = useMay()
  const [replacing, setReplacing] = useState(false)
  const target = targetOf(key)
  if (key.status === 'revoked')
    return (
      <Section title="It leaked?">
        <Text size="sm">It is revoked: no node accepts it, and none will again.</Text>
      </Section>
    )
  return (
    <Section title="It leaked?" lead="End what somebody else may have, now.">
      <Stack gap="xs" align="flex-start">
        {may('keys:rotate', target) ? (
          <>
            <Button color="red" variant="outline" onClick={() => setReplacing(true)}>
              New secret now, end every old one
            </Button>
            <Text size="sm" className="soft">
              Calls with the old value are refused at once. The key itself goes on, with its name, limits and history.
            </Text>
          </>
        ) : (
          <MissingRight action="keys:rotate" doing="Replacing its secret" />
        )}
        {!key.legacy && may('keys:change', target) && (
          <>
            <Button color="red" variant="outline" onClick={onRevoke}>
              Revoke with proof
            </Button>
            <Text size="sm" className="soft">
              The key ends for ever, and you see node by node that it is refused.
            </Text>
          </>
        )}
      </Stack>
      {replacing && <Replace of={key} onClose={() => setReplacing(false)} />}
    </Section>
  )
}

function Replace({ of: key, onClose }: { readonly of: Key; readonly onClose: () => void }) {
  const [shown, setShown] = useState<IssuedKey | null>(null)
  const idempotencyKey = useIdempotencyKey()
  const replace = useChange(
    () =>
      api.call('POST /v1/keys/{key}/rotate', {
        path: { key: key.id },
        body: { overlap: 0, force: true },
        idempotencyKey: idempotencyKey(),
      }),
    setShown,
  )
  if (shown)
    return (
      <Modal
        opened
        onClose={() => {}}
        withCloseButton={false}
        closeOnEscape={false}
        closeOnClickOutside={false}
        size="lg"
        title={`The only secret of ${key.name} now`}
      >
        <SecretShown
          name={key.name}
          kind={key.kind}
          secret={shown.secret}
          management={key.management !== null}
          onDone={onClose}
        />
      </Modal>
    )
  return (
    <Modal opened onClose={onClose} title={`Replace the secrets of ${key.name}`} size="lg">
      <Stack>
        <Text size="sm">
          A new secret is made, and every old one ends at once, without an overlap. Whoever calls with an old one is
          refused until they have the new one.
        </Text>
        <OfflineNote kind={key.kind} />
        <WhatBreaks keyId={key.id} />
        <ProblemNote problem={replace.problem} />
        <Group>
          <Button color="red" loading={replace.pending} onClick={() => replace.run(undefined)}>
            Replace now
          </Button>
          <Button variant="default" onClick={onClose}>
            Leave it
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
