import type { Key, Reminder, ReminderPreview } from '@keyturn/contract'
import { Button, Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { queries } from '../api/queries.ts'
import { MissingRight, useMay, useOrg } from '../app/me.tsx'
import { useNow } from '../clock.ts'
import { Link } from '../ui/link.tsx'
import { Section } from '../ui/page.tsx'
import { Reading } from '../ui/problem.tsx'
import { Status } from '../ui/status.tsx'
import { Exact, When } from '../ui/when.tsx'
import { reminderStateWords, thresholdInWords, whyNotTold } from '../words/notices.ts'
import { parseTime } from '../words/time.ts'
import { sentence } from '../words/words.ts'
import { Acknowledge } from './acknowledge.tsx'
import { ComingList } from './coming-reminders.tsx'
import { targetOf } from './target.ts'
import { useAcknowledgements } from './use-acknowledgements.ts'

/** Who was told of the end of this key, and who is going to be. */
export function KeyReminders({ of: key }: { readonly of: Key }) {
  const may = useMay()
  const target = targetOf(key)
  const preview = useQuery(queries.remindersToCome(key.id))
  return (
    <Section title="Reminders">
      <Reading of={preview}>{(found) => <ToCome of={found} />}</Reading>
      {may('reminders:read', target) ? (
        <Told of={key} mayAcknowledge={may('reminders:change', target)} />
      ) : (
        <MissingRight action="reminders:read" doing="Seeing who was told" />
      )}
    </Section>
  )
}

function ToCome({ of: { next, coming } }: { readonly of: ReminderPreview }) {
  const [reading, setReading] = useState(false)
  if (next === null)
    return (
      <Text size="sm" className="soft">
        None is to come: nothing of it ends that has not been told.
      </Text>
    )
  const later = coming.filter(
    ({ secret_id, reason, threshold }) =>
      secret_id !== next.secret_id || reason !== next.reason || threshold !== next.threshold,
  )
  return (
    <Stack gap="xs">
      <div>
        <Text size="sm" component="div">
          <strong>Next</strong>: {thresholdInWords(next.reason, next.threshold)}
        </Text>
        {next.recipients.length === 0 ? (
          <Status tone="bad">There is nobody to tell</Status>
        ) : (
          next.recipients.map(({ address, send_at }) => (
            <Text key={address} size="sm" className="soft" component="div" style={{ overflowWrap: 'anywhere' }}>
              {address}, <Exact at={send_at} />
            </Text>
          ))
        )}
      </div>
      <Group>
        <Button variant="default" size="compact-sm" aria-expanded={reading} onClick={() => setReading(!reading)}>
          {reading ? 'Hide the mail' : 'Read the mail beforehand'}
        </Button>
      </Group>
      {reading && (
        <pre className="code" data-testid="preview">
          {`${next.subject}\n\n${next.text}`}
        </pre>
      )}
      {later.length > 0 && (
        <div>
          <Text size="sm" fw={600}>
            After that
          </Text>
          <ComingList of={later} />
        </div>
      )}
    </Stack>
  )
}

interface ToldProps {
  readonly of: Key
  readonly mayAcknowledge: boolean
}

function Told({ of: key, mayAcknowledge }: ToldProps) {
  const org = useOrg()
  const now = useNow()
  const reminders = useQuery(queries.reminders(org, { key: key.id, limit: 50 }))
  const acknowledged = useAcknowledgements(org, key.id)
  return (
    <Reading of={reminders}>
      {({ data }) => {
        // Of each date one is enough: acknowledging is about the date.
        const open = data.filter(
          (one, index) => isOpen(one, now) && data.findIndex((other) => isSameDate(one, other)) === index,
        )
        if (data.length === 0)
          return (
            <Text size="sm" className="soft">
              Nobody was told of anything yet.
            </Text>
          )
        return (
          <>
            {open.map((one) => {
              const known = acknowledged({ id: one.subject_id, endsAt: one.ends_at })
              return (
                <Group key={one.id} gap="sm">
                  <Text size="sm">
                    {known ? (
                      <>
                        {known.by} has acknowledged it <When at={known.at} />: only the last two reminders and the end
                        itself are still told.
                      </>
                    ) : (
                      'Does somebody see to it? Acknowledge it, and only the last two reminders and the end itself are still told.'
                    )}
                  </Text>
                  {!known && mayAcknowledge && <Acknowledge reminder={one.id} name={key.name} />}
                </Group>
              )
            })}
            {open.length > 0 && !mayAcknowledge && <MissingRight action="reminders:change" doing="Acknowledging" />}
            <ol className="timeline" aria-label="Reminders sent">
              {data.map((one) => (
                <ToldOne key={one.id} org={org} of={one} />
              ))}
            </ol>
          </>
        )
      }}
    </Reading>
  )
}

const isOpen = ({ ends_at, reason }: Reminder, now: number) => reason !== 'used_after_end' && parseTime(ends_at) > now

const isSameDate = (one: Reminder, other: Reminder) =>
  one.subject_id === other.subject_id && one.ends_at === other.ends_at

function ToldOne({ org, of: one }: { readonly org: string; readonly of: Reminder }) {
  const may = useMay()
  const { tone, word } = reminderStateWords[one.state]
  const why = whyNotTold(one)
  return (
    <li>
      <strong>{sentence(thresholdInWords(one.reason, one.threshold))}</strong>
      {one.recipient !== null && `, to ${one.recipient}`}
      <Text size="sm" className="soft" component="div">
        <Status tone={tone}>{word}</Status> <When at={one.sent_at ?? one.send_at} />
        {why !== null && `: ${why}`}
        {one.mail_id !== null && may('mails:read') && (
          <>
            {' '}
            <Link to="/$org/settings/outbox/$mail" params={{ org, mail: one.mail_id }} underline="always">
              The mail
            </Link>
          </>
        )}
      </Text>
    </li>
  )
}
