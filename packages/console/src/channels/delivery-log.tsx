import type { Channel, Delivery } from '@keyturn/contract'
import { Button, Group, SegmentedControl, Text, VisuallyHidden } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Fragment, useState } from 'react'
import { api } from '../api/api.ts'
import { queries } from '../api/queries.ts'
import { useChange } from '../api/use-change.ts'
import { Empty, Section } from '../ui/page.tsx'
import { Pager } from '../ui/pager.tsx'
import { Reading } from '../ui/problem.tsx'
import { sayProblem } from '../ui/say-problem.ts'
import { Status } from '../ui/status.tsx'
import { Exact, When } from '../ui/when.tsx'
import { deliveryWord, lastAnswer } from '../words/notices.ts'

const states = [
  { value: '', label: 'All' },
  { value: 'pending', label: 'Waiting' },
  { value: 'delivered', label: 'Delivered' },
  { value: 'dead', label: 'Given up' },
]
const isState = (text: string | undefined): text is Delivery['state'] =>
  states.some(({ value }) => value !== '' && value === text)

interface LogProps {
  readonly of: Channel
  readonly may: boolean
}

/** What was sent to a webhook, and how each attempt went. */
export function DeliveryLog({ of: channel, may }: LogProps) {
  const search = useSearch({ from: '/$org/settings/reminders/$channel' })
  const navigate = useNavigate({ from: '/$org/settings/reminders/$channel' })
  const state = isState(search.state) ? search.state : undefined
  // What is under way arrives while one looks.
  const page = queries.deliveries(channel.id, { state, cursor: search.cursor, limit: 50 })
  const deliveries = useQuery({ ...page, refetchInterval: 3_000 })
  const choose = (wanted: string) => void navigate({ search: wanted === '' ? {} : { state: wanted } })
  return (
    <Section
      title="Delivery log"
      lead="What does not arrive is tried again for three days, then given up; it can be sent again."
      flush
    >
      <Group p="sm">
        <SegmentedControl aria-label="State" size="xs" data={states} value={state ?? ''} onChange={choose} />
      </Group>
      <div style={{ borderTop: '1px solid var(--keyturn-line)' }}>
        <Reading of={deliveries}>
          {({ data, next_cursor }) =>
            data.length === 0 ? (
              <Empty title={state === undefined ? 'Nothing was sent yet' : 'Nothing is in this state'}>
                {state === undefined && 'What happens from now on is sent here. Send a test to see one arrive.'}
              </Empty>
            ) : (
              <>
                <table className="rows">
                  <thead>
                    <tr>
                      <th>What</th>
                      <th>State</th>
                      <th>Attempts</th>
                      <th>Last answer</th>
                      <th>Next attempt</th>
                      <th>
                        <VisuallyHidden>Actions</VisuallyHidden>
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {data.map((delivery) => (
                      <DeliveryRow key={delivery.id} of={delivery} may={may && channel.enabled} />
                    ))}
                  </tbody>
                </table>
                <Pager
                  first={search.cursor === undefined}
                  next={next_cursor}
                  onFirst={() => choose(state ?? '')}
                  onNext={(cursor) => void navigate({ search: { ...search, cursor } })}
                />
              </>
            )
          }
        </Reading>
      </div>
    </Section>
  )
}

function DeliveryRow({ of: delivery, may }: { readonly of: Delivery; readonly may: boolean }) {
  const [open, setOpen] = useState(false)
  const { channel_id: channel, id } = delivery
  const again = useChange(
    () => api.call('POST /v1/channels/{channel}/deliveries/{delivery}/retry', { path: { channel, delivery: id } }),
    { failed: sayProblem },
  )
  const { tone, word } = deliveryWord(delivery)
  const answer = lastAnswer(delivery)
  return (
    <>
      <tr>
        <td className="c-name">
          <span className="mono">{delivery.type}</span>
          <Text size="xs" className="soft">
            <When at={delivery.created_at} />
          </Text>
        </td>
        <td data-label="State">
          <Status tone={tone}>{word}</Status>
        </td>
        <td data-label="Attempts">{delivery.attempts}</td>
        <td data-label="Last answer">
          {answer === null ? <span className="soft">none yet</span> : <span className="lines">{answer}</span>}
        </td>
        <td data-label="Next attempt">
          <When at={delivery.next_attempt_at} none="none" />
        </td>
        <td className="act below">
          <Group gap={6} justify="flex-end">
            {may && delivery.state === 'dead' && (
              <Button
                variant="default"
                size="compact-sm"
                loading={again.pending}
                onClick={() => again.run(undefined)}
                aria-label={`Send ${delivery.type} again`}
              >
                Send again
              </Button>
            )}
            <Button
              variant="subtle"
              size="compact-sm"
              aria-expanded={open}
              aria-label={`${open ? 'Hide' : 'Show'} ${delivery.type}`}
              onClick={() => setOpen(!open)}
            >
              {open ? 'Hide' : 'Show'}
            </Button>
          </Group>
        </td>
      </tr>
      {open && (
        <tr>
          <td colSpan={6}>
            <Attempts of={delivery} />
          </td>
        </tr>
      )}
    </>
  )
}

function Attempts({ of: { id, log, payload } }: { readonly of: Delivery }) {
  return (
    <>
      <dl className="facts">
        <dt>webhook-id</dt>
        <dd className="mono">{id}</dd>
        {log.map(({ at, duration_ms, status, error, answer }) => (
          <Fragment key={at}>
            <dt>
              <Exact at={at} />
            </dt>
            <dd>
              {status === null ? 'no answer' : `it said ${status}`} after {duration_ms.toLocaleString()} ms
              {error !== null && `; ${error}`}
              {answer !== null && answer !== '' && <pre className="code">{answer}</pre>}
            </dd>
          </Fragment>
        ))}
      </dl>
      <Text size="sm" fw={600} mt="sm" mb={4}>
        The body, as it is sent and signed
      </Text>
      <pre className="code">{payload}</pre>
    </>
  )
}
