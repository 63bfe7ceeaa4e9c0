import type { Channel } from '@keyturn/contract'
import { Button, Checkbox, Group, Modal, Select, Stack, Text } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { api } from '../api/api.ts'
import { useIdempotencyKey } from '../api/idempotency-key.ts'
import { useChange } from '../api/use-change.ts'
import { CopyButton } from '../ui/copy.tsx'
import { ProblemNote } from '../ui/problem.tsx'

export interface ShownSecret {
  readonly title: string
  readonly secret: string
}

/** What a receiver verifies with, this once. */
export function SigningSecret({
  of: { title, secret },
  onDone,
}: {
  readonly of: ShownSecret
  readonly onDone: () => void
}) {
  const [saved, setSaved] = useState(false)
  return (
    <Modal
      opened
      onClose={() => {}}
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      size="lg"
      title={title}
    >
      <Stack>
        <Text size="sm">
          The receiver verifies with it that a call is from here. This is the only time that it is shown. Lost it?
          Rotate it.
        </Text>
        <div className="secret" data-testid="signing-secret">
          {secret}
        </div>
        <Group>
          <CopyButton text={secret}>Copy it</CopyButton>
        </Group>
        <Checkbox label="I have saved it" checked={saved} onChange={(event) => setSaved(event.currentTarget.checked)} />
        <Group>
          <Button onClick={onDone} disabled={!saved}>
            Close
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}

const overlaps = [
  { value: '0', label: 'Not at all: it ends now' },
  { value: '3600', label: 'An hour' },
  { value: '86400', label: 'A day' },
  { value: '604800', label: 'A week' },
]

interface RotateProps {
  readonly of: Pick<Channel, 'id'>
  readonly onClose: () => void
  readonly onRotated: (secret: string) => void
}

/** Another one; for the overlap both sign, so that no delivery is refused while the receiver moves. */
export function RotateSigningSecret({ of: channel, onClose, onRotated }: RotateProps) {
  const [overlap, setOverlap] = useState('86400')
  const idempotencyKey = useIdempotencyKey()
  const rotate = useChange(
    () =>
      api.call('POST /v1/channels/{channel}/rotate-secret', {
        path: { channel: channel.id },
        body: { overlap: Number(overlap) },
        idempotencyKey: idempotencyKey(overlap),
      }),
    ({ signing_secret }) => (signing_secret === null ? onClose() : onRotated(signing_secret)),
  )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    rotate.run(undefined)
  }
  return (
    <Modal opened onClose={onClose} title="Rotate the signing secret">
      <form onSubmit={submit}>
        <Stack>
          <ProblemNote problem={rotate.problem} />
          <Select
            label="The old one signs beside the new one for"
            description="Each delivery has both signatures then, and the receiver may know either."
            data={overlaps}
            value={overlap}
            allowDeselect={false}
            onChange={(chosen) => setOverlap(chosen ?? '86400')}
          />
          <Group>
            <Button type="submit" loading={rotate.pending}>
              Rotate it
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
