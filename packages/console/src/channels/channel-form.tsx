import { type Channel, webhookEvents } from '@keyturn/contract'
import { Button, Checkbox, Group, Modal, Radio, Stack, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { api } from '../api/api.ts'
import { useIdempotencyKey } from '../api/idempotency-key.ts'
import { useChange } from '../api/use-change.ts'
import { ProblemNote } from '../ui/problem.tsx'
import { channelKindWords, eventWords } from '../words/notices.ts'

interface FormProps {
  readonly onClose: () => void
}
interface AddProps extends FormProps {
  readonly org: string
  readonly onAdded: (channel: Channel, secret: string | null) => void
}

/** A webhook, or the mailbox of a team. */
export function ChannelForm({ org, onClose, onAdded }: AddProps) {
  const [kind, setKind] = useState<Channel['kind']>('webhook')
  const [to, setTo] = useState('')
  const [events, setEvents] = useState<Chosen>(null)
  const idempotencyKey = useIdempotencyKey()
  const isWebhook = kind === 'webhook'
  const body = isWebhook ? { kind, url: to.trim(), events: wireEvents(events) } : { kind, address: to.trim() }
  const add = useChange(
    () =>
      api.call('POST /v1/organizations/{org}/channels', {
        path: { org },
        body,
        idempotencyKey: idempotencyKey(body),
      }),
    ({ channel, signing_secret }) => onAdded(channel, signing_secret),
  )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    add.run(undefined)
  }
  return (
    <Modal opened onClose={onClose} title="Add a channel" size="lg">
      <form onSubmit={submit}>
        <Stack>
          <ProblemNote problem={add.problem} />
          <Radio.Group
            label="What kind"
            value={kind}
            onChange={(chosen) => setKind(chosen === 'email' ? 'email' : 'webhook')}
          >
            <Stack gap={8} mt={6}>
              <Radio
                value="webhook"
                label={channelKindWords.webhook}
                description="A program of yours is called, signed by the Standard Webhooks specification."
              />
              <Radio
                value="email"
                label={channelKindWords.email}
                description="Gets every reminder, whoever owns the key."
              />
            </Stack>
          </Radio.Group>
          <Destination
            kind={kind}
            value={to}
            onChange={setTo}
            error={faultIn(add.problem, isWebhook ? 'url' : 'address')}
          />
          {isWebhook && <Events value={events} onChange={setEvents} />}
          <Group>
            <Button type="submit" loading={add.pending} disabled={to.trim() === '' || events?.length === 0}>
              Add it
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

/** Where it goes, and what it is told of. */
export function EditChannel({ of: channel, onClose }: FormProps & { readonly of: Channel }) {
  const isWebhook = channel.kind === 'webhook'
  const [to, setTo] = useState(channel.url ?? channel.address ?? '')
  const [events, setEvents] = useState<Chosen>(channel.events)
  const save = useChange(
    () =>
      api.call('PATCH /v1/channels/{channel}', {
        path: { channel: channel.id },
        body: isWebhook ? { url: to.trim(), events: wireEvents(events) } : { address: to.trim() },
      }),
    onClose,
  )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.run(undefined)
  }
  return (
    <Modal opened onClose={onClose} title="Edit the channel" size="lg">
      <form onSubmit={submit}>
        <Stack>
          <ProblemNote problem={save.problem} />
          <Destination
            kind={channel.kind}
            value={to}
            onChange={setTo}
            error={faultIn(save.problem, isWebhook ? 'url' : 'address')}
          />
          {isWebhook && <Events value={events} onChange={setEvents} />}
          <Group>
            <Button type="submit" loading={save.pending} disabled={to.trim() === '' || events?.length === 0}>
              Save
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

const faultIn = (problem: { errors: readonly { path: string; detail: string }[] } | null, field: string) =>
  problem?.errors.find(({ path }) => path === field)?.detail

interface DestinationProps {
  readonly kind: Channel['kind']
  readonly value: string
  readonly onChange: (text: string) => void
  readonly error: string | undefined
}

function Destination({ kind, value, onChange, error }: DestinationProps) {
  const words =
    kind === 'webhook'
      ? {
          label: 'URL',
          placeholder: 'https://example.com/hooks/keyturn',
          description: 'Called with POST. A receiver in your own network is allowed by KEYTURN_WEBHOOK_ALLOW_PRIVATE.',
        }
      : { label: 'E-mail address', placeholder: 'keys@example.com', description: 'A mailbox that several people read.' }
  return (
    <TextInput
      {...words}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      error={error}
      inputMode={kind === 'webhook' ? 'url' : 'email'}
      autoComplete="off"
      required
      data-autofocus
    />
  )
}

/** Null: all, those of later versions too. */
type Chosen = readonly string[] | null

const wireEvents = (chosen: Chosen) => (chosen === null ? null : webhookEvents.filter((one) => chosen.includes(one)))

function Events({ value, onChange }: { readonly value: Chosen; readonly onChange: (chosen: Chosen) => void }) {
  return (
    <Stack gap="xs">
      <Checkbox
        label="Tell it of everything, also what later versions add"
        checked={value === null}
        onChange={(event) => onChange(event.currentTarget.checked ? null : webhookEvents)}
      />
      {value !== null && (
        <Checkbox.Group
          label="Told of"
          value={[...value]}
          onChange={onChange}
          error={value.length === 0 && 'Choose at least one.'}
        >
          <Stack gap={6} mt={6}>
            {webhookEvents.map((event) => (
              <Checkbox key={event} value={event} size="xs" label={eventWords[event]} description={event} />
            ))}
          </Stack>
        </Checkbox.Group>
      )}
    </Stack>
  )
}
