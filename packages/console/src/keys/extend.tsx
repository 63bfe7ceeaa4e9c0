import type { Key, Slot } from '@keyturn/contract'
import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/api.ts'
import { queries } from '../api/queries.ts'
import { useChange } from '../api/use-change.ts'
import { useOrg } from '../app/me.tsx'
import { ProblemNote } from '../ui/problem.tsx'
import { Exact } from '../ui/when.tsx'
import { longDayOf, parseTime } from '../words/time.ts'
import { type End, EndChoice, endForWire } from './end-choice.tsx'

interface ExtendProps {
  readonly of: Pick<Key, 'id' | 'name' | 'project_id' | 'expires_at'>
  readonly slot?: Slot
  readonly onClose: () => void
}

/** Later than now, never earlier. The value stays the same. */
export function Extend({ of: key, slot, onClose }: ExtendProps) {
  const org = useOrg()
  const projects = useQuery(queries.projects(org))
  const policy = projects.data?.find(({ id }) => id === key.project_id)?.policy
  const [end, setEnd] = useState<End>({ kind: 'days', days: 90 })
  const extend = useChange(
    () => {
      const { never_expires: _, ...wanted } = endForWire(end)
      return api.call('POST /v1/keys/{key}/extend', {
        path: { key: key.id },
        body: { ...wanted, ...(slot && { slot }) },
      })
    },
    ({ key: { expires_at } }) => {
      const until = expires_at === null ? 'for ever' : `until ${longDayOf(parseTime(expires_at))}`
      notifications.show({ message: `${key.name} goes on ${until}.` })
      onClose()
    },
  )
  return (
    <Modal opened onClose={onClose} title={`Extend ${key.name}`}>
      <Stack>
        <Text size="sm">
          It ends <Exact at={key.expires_at} />. Its value stays the same: nobody has to change anything.
        </Text>
        <ProblemNote problem={extend.problem} />
        <EndChoice
          label="From now on, until"
          value={end}
          onChange={setEnd}
          policy={policy ?? { max_lifetime: null, allow_never_expires: false }}
          offerNever={false}
        />
        <Group>
          <Button loading={extend.pending} onClick={() => extend.run(undefined)}>
            Extend
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
