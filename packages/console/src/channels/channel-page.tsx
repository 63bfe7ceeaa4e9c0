import type { Channel } from '@keyturn/contract'
import { Button, Group, List, Modal, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { api } from '../api/api.ts'
import { queries } from '../api/queries.ts'
import { useChange } from '../api/use-change.ts'
import { MissingRight, useMay } from '../app/me.tsx'
import { SettingsNav } from '../settings/settings-nav.tsx'
import { Link } from '../ui/link.tsx'
import { Empty, Page, Section } from '../ui/page.tsx'
import { ProblemNote, Reading } from '../ui/problem.tsx'
import { sayProblem } from '../ui/say-problem.ts'
import { Status } from '../ui/status.tsx'
import { Exact, When } from '../ui/when.tsx'
import { channelKindWords, channelState, destinationOf, eventWords } from '../words/notices.ts'
import { EditChannel } from './channel-form.tsx'
import { DeliveryLog } from './delivery-log.tsx'
import { RotateSigningSecret, type ShownSecret, SigningSecret } from './signing-secret.tsx'
import { TestChannel } from './test-channel.tsx'

export function ChannelPage() {
  const { channel } = useParams({ from: '/$org/settings/reminders/$channel' })
  const may = useMay()
  const mayRead = may('channels:read')
  const read = useQuery({ ...queries.channel(channel), enabled: mayRead })
  if (!mayRead)
    return (
      <Page title="Channel">
        <SettingsNav />
        <MissingRight action="channels:read" doing="Seeing the channels" />
      </Page>
    )
  if (read.error && !read.data)
    return (
      <Page title="There is no such channel">
        <SettingsNav />
        <Empty title="It was deleted, or belongs to another organization" />
      </Page>
    )
  return <Reading of={read}>{(found) => <ChannelShown of={found} />}</Reading>
}

function ChannelShown({ of: channel }: { readonly of: Channel }) {
  const { org } = useParams({ from: '/$org/settings/reminders/$channel' })
  const may = useMay()
  const [act, setAct] = useState<'edit' | 'rotate' | 'delete' | null>(null)
  const [shown, setShown] = useState<ShownSecret | null>(null)
  const mayWrite = may('channels:write')
  const isWebhook = channel.kind === 'webhook'
  const { tone, word } = channelState(channel)
  const close = () => setAct(null)
  return (
    <Page
      title={destinationOf(channel)}
      tab={channelKindWords[channel.kind]}
      lead={
        <Group gap="sm">
          <Status tone={tone}>{word}</Status>
          <span>{channelKindWords[channel.kind]}</span>
          <span>
            added <When at={channel.created_at} /> by {channel.created_by.name}
          </span>
        </Group>
      }
      actions={
        mayWrite && (
          <>
            <Switch of={channel} />
            <Button variant="default" onClick={() => setAct('edit')}>
              Edit
            </Button>
            <Button color="red" variant="outline" onClick={() => setAct('delete')}>
              Delete…
            </Button>
          </>
        )
      }
    >
      <SettingsNav />
      {!mayWrite && <MissingRight action="channels:write" doing="Changing or testing it" />}
      {mayWrite && <TestChannel of={channel} />}
      {isWebhook ? (
        <>
          <Signing of={channel} may={mayWrite} onRotate={() => setAct('rotate')} />
          <ToldOf events={channel.events} />
          <DeliveryLog of={channel} may={mayWrite} />
        </>
      ) : (
        <Section title="What it is sent">
          <Text size="sm">
            Every reminder of the organization. The mails are in the{' '}
            <Link underline="always" to="/$org/settings/outbox" params={{ org }}>
              outbox
            </Link>
            .
          </Text>
        </Section>
      )}
      {act === 'edit' && <EditChannel of={channel} onClose={close} />}
      {act === 'delete' && <DeleteChannel org={org} of={channel} onClose={close} />}
      {act === 'rotate' && (
        <RotateSigningSecret
          of={channel}
          onClose={close}
          onRotated={(secret) => {
            close()
            setShown({ title: 'The new signing secret', secret })
          }}
        />
      )}
      {shown && <SigningSecret of={shown} onDone={() => setShown(null)} />}
    </Page>
  )
}

function Switch({ of: channel }: { readonly of: Channel }) {
  const turn = useChange(
    () =>
      api.call('PATCH /v1/channels/{channel}', { path: { channel: channel.id }, body: { enabled: !channel.enabled } }),
    { failed: sayProblem },
  )
  return (
    <Button variant="default" loading={turn.pending} onClick={() => turn.run(undefined)}>
      {channel.enabled ? 'Switch it off' : 'Switch it on'}
    </Button>
  )
}

interface SigningProps {
  readonly of: Channel
  readonly may: boolean
  readonly onRotate: () => void
}

function Signing({ of: channel, may, onRotate }: SigningProps) {
  const until = channel.old_secret_signs_until
  return (
    <Section
      title="Signing secret"
      lead="By it the receiver knows that a call is from here. It was shown when it was made, and is shown in no other place."
    >
      {until !== null && (
        <Text size="sm">
          The old and the new one both sign until <Exact at={until} />.
        </Text>
      )}
      {may && (
        <Group>
          <Button variant="default" onClick={onRotate}>
            Rotate it…
          </Button>
        </Group>
      )}
    </Section>
  )
}

const isKnown = (event: string): event is keyof typeof eventWords => event in eventWords

function ToldOf({ events }: { readonly events: readonly string[] | null }) {
  return (
    <Section title="Told of">
      {events === null ? (
        <Text size="sm">Everything that happens to keys and tracked credentials, also what later versions add.</Text>
      ) : (
        <List size="sm" spacing={2}>
          {events.map((event) => (
            <List.Item key={event}>
              {isKnown(event) ? eventWords[event] : event} <span className="soft mono">{event}</span>
            </List.Item>
          ))}
        </List>
      )}
    </Section>
  )
}

interface DeleteChannelProps {
  readonly org: string
  readonly of: Channel
  readonly onClose: () => void
}

function DeleteChannel({ org, of: channel, onClose }: DeleteChannelProps) {
  const navigate = useNavigate()
  const remove = useChange(() => api.call('DELETE /v1/channels/{channel}', { path: { channel: channel.id } }), {
    done: () => void navigate({ to: '/$org/settings/reminders', params: { org } }),
    gone: ['channel', 'deliveries'],
  })
  return (
    <Modal opened onClose={onClose} title="Delete the channel">
      <Stack>
        <Text size="sm">
          {destinationOf(channel)} is told nothing any more. What still waits for it and the log of its deliveries go
          with it. To stop it for a while, switch it off.
        </Text>
        <ProblemNote problem={remove.problem} />
        <Group>
          <Button color="red" loading={remove.pending} onClick={() => remove.run(undefined)}>
            Delete it
          </Button>
          <Button variant="default" onClick={onClose}>
            Leave it
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
