import type { Channel } from '@keyturn/contract'
import { Button, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { queries } from '../api/queries.ts'
import { MissingRight, Permitted, useMay } from '../app/me.tsx'
import { Link } from '../ui/link.tsx'
import { Empty, Section } from '../ui/page.tsx'
import { Reading } from '../ui/problem.tsx'
import { Status } from '../ui/status.tsx'
import { When } from '../ui/when.tsx'
import { channelKindWords, channelState, deliveryWord, destinationOf } from '../words/notices.ts'
import { count } from '../words/words.ts'
import { ChannelForm } from './channel-form.tsx'
import { type ShownSecret, SigningSecret } from './signing-secret.tsx'

/** Where the organization is told of events, beside the people that they concern. */
export function Channels({ org }: { readonly org: string }) {
  const may = useMay()
  const mayRead = may('channels:read')
  const channels = useQuery({ ...queries.channels(org), enabled: mayRead })
  const [adding, setAdding] = useState(false)
  const [shown, setShown] = useState<ShownSecret | null>(null)
  return (
    <Section
      title="Channels"
      lead="Webhooks tell programs what happens to keys, signed. A team mailbox gets every reminder."
      actions={
        <Permitted action="channels:write" doing="Adding one">
          <Button variant="default" size="compact-sm" onClick={() => setAdding(true)}>
            Add a channel
          </Button>
        </Permitted>
      }
      flush
    >
      {!mayRead ? (
        <div style={{ padding: 'var(--mantine-spacing-md)' }}>
          <MissingRight action="channels:read" doing="Seeing the channels" />
        </div>
      ) : (
        <Reading of={channels}>
          {(list) =>
            list.length === 0 ? (
              <Empty title="No channel yet">
                A webhook tells your own systems when a key is about to end, has ended, or is called after that. A team
                mailbox hears of every end, whoever is on holiday.
              </Empty>
            ) : (
              <table className="rows">
                <thead>
                  <tr>
                    <th>Where to</th>
                    <th>State</th>
                    <th>Told of</th>
                    <th>Last delivery</th>
                    <th>Added</th>
                  </tr>
                </thead>
                <tbody>
                  {list.map((channel) => (
                    <ChannelRow key={channel.id} org={org} of={channel} />
                  ))}
                </tbody>
              </table>
            )
          }
        </Reading>
      )}
      {adding && (
        <ChannelForm
          org={org}
          onClose={() => setAdding(false)}
          onAdded={(channel, secret) => {
            setAdding(false)
            if (secret !== null) setShown({ title: `The signing secret of ${destinationOf(channel)}`, secret })
          }}
        />
      )}
      {shown && <SigningSecret of={shown} onDone={() => setShown(null)} />}
    </Section>
  )
}

function ChannelRow({ org, of: channel }: { readonly org: string; readonly of: Channel }) {
  const { tone, word } = channelState(channel)
  return (
    <tr>
      <td>
        <Link to="/$org/settings/reminders/$channel" params={{ org, channel: channel.id }} fw={600}>
          {destinationOf(channel)}
        </Link>
        <Text size="xs" className="soft">
          {channelKindWords[channel.kind]}
        </Text>
      </td>
      <td data-label="State">
        <Status tone={tone}>{word}</Status>
      </td>
      <td data-label="Told of">
        {channel.kind === 'email'
          ? 'every reminder'
          : channel.events === null
            ? 'every event'
            : count(channel.events.length, 'event')}
      </td>
      <td data-label="Last delivery">
        {channel.kind === 'webhook' ? (
          <LastDelivery of={channel} />
        ) : (
          <Link to="/$org/settings/outbox" params={{ org }}>
            In the outbox
          </Link>
        )}
      </td>
      <td data-label="Added">
        <When at={channel.created_at} />
      </td>
    </tr>
  )
}

function LastDelivery({ of: channel }: { readonly of: Channel }) {
  const deliveries = useQuery(queries.deliveries(channel.id, { limit: 1 }))
  if (!deliveries.data) return null
  const [last] = deliveries.data.data
  if (!last) return <span className="soft">none yet</span>
  const { tone, word } = deliveryWord(last)
  return (
    <>
      <Status tone={tone}>{word}</Status>{' '}
      <span className="soft">
        <When at={last.finished_at ?? last.created_at} />
      </span>
    </>
  )
}
