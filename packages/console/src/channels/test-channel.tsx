import type { Channel } from '@keyturn/contract'
import { Button, Group, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useEffect } from 'react'
import { api } from '../api/api.ts'
import { queries } from '../api/queries.ts'
import { useChange } from '../api/use-change.ts'
import { Link } from '../ui/link.tsx'
import { Section } from '../ui/page.tsx'
import { ProblemNote } from '../ui/problem.tsx'
import { Status } from '../ui/status.tsx'
import { deliveryWord, lastAnswer, mailStateWords } from '../words/notices.ts'

const askEveryMs = 700

/** Sends something that says that it is a test, and shows how it went. */
export function TestChannel({ of: channel }: { readonly of: Channel }) {
  const test = useChange(() => api.call('POST /v1/channels/{channel}/test', { path: { channel: channel.id } }))
  const { delivery, mail_id } = test.value ?? { delivery: null, mail_id: null }
  return (
    <Section
      title="Test"
      lead={
        channel.kind === 'webhook'
          ? 'An event of type channel.test is sent at once.'
          : 'A mail that says nothing but that it is a test is sent at once.'
      }
    >
      <Group gap="md">
        <Button
          variant="default"
          loading={test.pending}
          disabled={!channel.enabled}
          onClick={() => test.run(undefined)}
        >
          Send a test
        </Button>
        <div role="status" aria-live="polite" data-testid="test-result">
          {!channel.enabled && (
            <Text size="sm" className="soft">
              It is off: switch it on first.
            </Text>
          )}
          {delivery && <Delivered key={delivery.id} channel={channel.id} id={delivery.id} />}
          {mail_id !== null && <Mailed key={mail_id} id={mail_id} />}
        </div>
      </Group>
      <ProblemNote problem={test.problem} />
    </Section>
  )
}

const onItsWay = <Status tone="warn">On its way</Status>

function Delivered({ channel, id }: { readonly channel: string; readonly id: string }) {
  const deliveries = useQuery({
    ...queries.deliveries(channel, { limit: 50 }),
    refetchInterval: ({ state }) => {
      const found = state.data?.data.find((one) => one.id === id)
      return found && found.log.length > 0 ? false : askEveryMs
    },
  })
  const found = deliveries.data?.data.find((one) => one.id === id)
  const isTried = found !== undefined && found.log.length > 0
  const all = useQueryClient()
  // What the receiver said may have switched the channel off.
  useEffect(() => {
    if (isTried) void all.invalidateQueries({ queryKey: ['channel', channel] })
  }, [isTried, all, channel])
  if (!found || !isTried) return onItsWay
  const { tone, word } = deliveryWord(found)
  const answer = lastAnswer(found)
  return (
    <Text component="div" size="sm">
      <Status tone={tone}>{found.state === 'pending' ? 'Not taken yet; it is tried again' : word}</Status>
      {answer !== null && <span>: {answer}</span>}
    </Text>
  )
}

function Mailed({ id }: { readonly id: string }) {
  const { org } = useParams({ from: '/$org/settings/reminders/$channel' })
  const mail = useQuery({
    ...queries.mail(org, id),
    refetchInterval: ({ state: { data } }) =>
      data === undefined || (data.state === 'queued' && data.last_error === null) ? askEveryMs : false,
  })
  if (!mail.data || (mail.data.state === 'queued' && mail.data.last_error === null)) return onItsWay
  const { state, last_error } = mail.data
  const { tone, word } = mailStateWords[state]
  return (
    <Text component="div" size="sm">
      <Status tone={tone}>{state === 'queued' ? 'Not taken yet; it is tried again' : word}</Status>
      {state === 'not_delivered' && <span>: no mail server is set up.</span>}
      {last_error !== null && <span>: {last_error}</span>}{' '}
      <Link to="/$org/settings/outbox/$mail" params={{ org, mail: id }}>
        The mail
      </Link>
    </Text>
  )
}
