import { Button, Group, Select } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { type FormEvent, useState } from 'react'
import { api } from '../api/api.ts'
import { useChange } from '../api/use-change.ts'
import type { Me } from '../app/me.tsx'
import { Section } from '../ui/page.tsx'
import { ProblemNote } from '../ui/problem.tsx'

const zones = Intl.supportedValuesOf('timeZone')
const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone

/** When mails come. What is on the pages goes by the browser. */
export function TimeZone({ me }: { readonly me: Me }) {
  const [zone, setZone] = useState(me.time_zone)
  const known = new Set([...zones, ownZone, ...(me.time_zone === null ? [] : [me.time_zone])])
  const save = useChange(
    () => api.call('PATCH /v1/me', { body: { time_zone: zone } }),
    () => notifications.show({ message: 'Saved. The next mail goes by it.' }),
  )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.run(undefined)
  }
  return (
    <Section title="Time zone" lead="Reminders come in your morning, with their times in this zone.">
      <form onSubmit={submit}>
        <ProblemNote problem={save.problem} />
        <Group align="flex-end" gap="xs">
          <Select
            label="Time zone"
            placeholder="That of each organization"
            data={[...known].toSorted()}
            value={zone}
            onChange={setZone}
            searchable
            clearable
            limit={60}
            nothingFoundMessage="No zone of that name"
            style={{ flex: '0 1 22rem' }}
          />
          {zone !== ownZone && (
            <Button variant="default" onClick={() => setZone(ownZone)}>
              {ownZone}, as here
            </Button>
          )}
          <Button type="submit" variant="default" loading={save.pending} disabled={zone === me.time_zone}>
            Save
          </Button>
        </Group>
      </form>
    </Section>
  )
}
