import type { CutOver, Key } from '@keyturn/contract'
import type { IssuedKey, Result } from '@keyturn/sdk'
import { Alert, Button, Group, Modal, NumberInput, SimpleGrid, Stack, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/api.ts'
import { useIdempotencyKey } from '../api/idempotency-key.ts'
import { queries } from '../api/queries.ts'
import { type Change, useChange } from '../api/use-change.ts'
import { MissingRight, useMay, useOrg } from '../app/me.tsx'
import { Section } from '../ui/page.tsx'
import { ProblemNote, Reading } from '../ui/problem.tsx'
import { durationInWords } from '../words/time.ts'
import { sentence } from '../words/words.ts'
import { Extend } from './extend.tsx'
import { SecretShown } from './secret-shown.tsx'
import { SlotCard } from './slot-card.tsx'
import { targetOf } from './target.ts'

/** The two slots side by side, what to do next in words, and the buttons that do it. */
export function Rotation({ of: key }: { readonly of: Key }) {
  const cutOver = useQuery({ ...queries.cutOver(key.id), refetchInterval: key.rotating ? 5_000 : 30_000 })
  const [shown, setShown] = useState<IssuedKey | null>(null)
  return (
    <Section
      title="Secrets"
      lead={
        cutOver.data && cutOver.data.state !== 'one'
          ? sentence(cutOver.data.advice.sentence)
          : 'Up to two of them are valid at a time, so that nobody has to swap at once.'
      }
    >
      <Reading of={cutOver}>
        {(data) => (
          <>
            <SimpleGrid cols={{ base: 1, md: 2 }}>
              {data.secrets.map((secret) => (
                <SlotCard key={secret.id} of={secret} state={data.state} />
              ))}
              {data.secrets.length < 2 && <EmptySlot state={data.state} />}
            </SimpleGrid>
            {key.status !== 'revoked' && <Steps of={key} cutOver={data} onShown={setShown} />}
          </>
        )}
      </Reading>
      {shown && (
        <Modal
          opened
          onClose={() => {}}
          withCloseButton={false}
          closeOnEscape={false}
          closeOnClickOutside={false}
          size="lg"
          title={`A new secret of ${shown.key.name}`}
        >
          <SecretShown
            name={shown.key.name}
            kind={shown.key.kind}
            secret={shown.secret}
            management={shown.key.management !== null}
            onDone={() => setShown(null)}
          />
        </Modal>
      )}
    </Section>
  )
}

function EmptySlot({ state }: { readonly state: CutOver['state'] }) {
  return (
    <Stack
      gap={4}
      p="md"
      justify="center"
      style={{ border: '1px dashed var(--keyturn-line)', borderRadius: '0.6rem', minHeight: '7rem' }}
    >
      <Text size="sm" fw={600} className="soft">
        {state === 'none' ? 'No live secret' : 'The second slot is free'}
      </Text>
      <Text size="sm" className="soft">
        {state === 'none'
          ? 'A new one can be made; it counts against the limit again.'
          : 'A second secret can be valid beside the first, until everybody has moved to it.'}
      </Text>
    </Stack>
  )
}

interface StepsProps {
  readonly of: Key
  readonly cutOver: CutOver
  readonly onShown: (issued: IssuedKey) => void
}

type Act = 'finish' | 'cancel' | 'promote'

function Steps({ of: key, cutOver, onShown }: StepsProps) {
  const may = useMay()
  const path = { key: key.id }
  const [asking, setAsking] = useState<'rotate' | 'stage' | null>(null)
  const [extending, setExtending] = useState(false)
  const said = (message: string) => () => notifications.show({ message })
  const finish = useChange(
    (force: boolean) => api.call('POST /v1/keys/{key}/finish', { path, body: force ? { force } : {} }),
    said('The old secret has ended. The rotation is finished.'),
  )
  const cancel = useChange(
    (force: boolean) => api.call('POST /v1/keys/{key}/cancel', { path, body: force ? { force } : {} }),
    said('The newer secret is revoked. All is as it was.'),
  )
  const promote = useChange(
    (_: boolean) => api.call('POST /v1/keys/{key}/promote', { path }),
    said('The staged secret is the primary now. The old one goes on for the overlap.'),
  )
  if (!may('keys:rotate', targetOf(key))) return <MissingRight action="keys:rotate" doing="Rotating" />
  const acts: Record<Act, Change<boolean, unknown>> = { finish, cancel, promote }
  const button = (act: Act, label: string, primary = false) => (
    <Button {...(!primary && { variant: 'default' })} loading={acts[act].pending} onClick={() => acts[act].run(false)}>
      {label}
    </Button>
  )
  return (
    <Stack gap="sm">
      <Group gap="xs">
        {cutOver.state === 'none' && <Button onClick={() => setAsking('rotate')}>Make a new secret</Button>}
        {cutOver.state === 'one' && (
          <>
            <Button onClick={() => setAsking('rotate')}>Rotate</Button>
            <Button variant="default" onClick={() => setAsking('stage')}>
              Stage a second secret
            </Button>
          </>
        )}
        {cutOver.state === 'staged' && (
          <>
            {button('promote', 'Promote the staged one', true)}
            {button('cancel', 'Take it back')}
          </>
        )}
        {cutOver.state === 'retiring' && (
          <>
            {button('finish', 'Finish now', cutOver.advice.code === 'safe_to_finish')}
            {may('keys:change', targetOf(key)) && (
              <Button variant="default" onClick={() => setExtending(true)}>
                Give the old one longer
              </Button>
            )}
            {button('cancel', 'Take the rotation back')}
          </>
        )}
      </Group>
      {(['finish', 'cancel', 'promote'] as const).map((act) => (
        <Forcible key={act} change={acts[act]} />
      ))}
      {asking && <NewSecret of={key} how={asking} onClose={() => setAsking(null)} onShown={onShown} />}
      {extending && (
        <Extend
          of={{
            ...key,
            expires_at: key.secrets.find(({ slot }) => slot === 'secondary')?.retires_at ?? key.expires_at,
          }}
          slot="secondary"
          onClose={() => setExtending(false)}
        />
      )}
    </Stack>
  )
}

/** What stands in the way, and where it can be done all the same, the button for that. */
function Forcible({ change }: { readonly change: Change<boolean, unknown> }) {
  const { problem, pending, run, reset } = change
  if (!problem?.operations.includes('force')) return <ProblemNote problem={problem} />
  return (
    <Alert color="yellow" variant="light" title={problem.title} role="alert">
      <Text size="sm">{problem.detail}</Text>
      <Group gap="xs" mt="xs">
        <Button color="red" size="compact-sm" loading={pending} onClick={() => run(true)}>
          Do it all the same
        </Button>
        <Button variant="default" size="compact-sm" onClick={reset}>
          Leave it
        </Button>
      </Group>
    </Alert>
  )
}

interface NewSecretProps {
  readonly of: Key
  readonly how: 'rotate' | 'stage'
  readonly onClose: () => void
  readonly onShown: (issued: IssuedKey) => void
}

function NewSecret({ of: key, how, onClose, onShown }: NewSecretProps) {
  const org = useOrg()
  const policy = useQuery(queries.projects(org)).data?.find(({ id }) => id === key.project_id)?.policy
  const [days, setDays] = useState<number | string>('')
  const idempotencyKey = useIdempotencyKey()
  const hasLive = key.secrets.some(({ status }) => status === 'live')
  const overlap = typeof days === 'number' ? { overlap: Math.round(days * 86_400) } : {}
  const make = useChange(
    (): Promise<Result<IssuedKey>> =>
      how === 'stage'
        ? api.call('POST /v1/keys/{key}/secrets', { path: { key: key.id }, idempotencyKey: idempotencyKey() })
        : api.call('POST /v1/keys/{key}/rotate', {
            path: { key: key.id },
            body: hasLive ? overlap : {},
            idempotencyKey: idempotencyKey(days),
          }),
    (issued) => {
      onShown(issued)
      onClose()
    },
  )
  return (
    <Modal opened onClose={onClose} title={how === 'stage' ? 'Stage a second secret' : `Rotate ${key.name}`}>
      <Stack>
        <Text size="sm">
          {how === 'stage'
            ? 'A second secret, valid beside the first one without an end to that. Hand it over; once it is in use, promote it.'
            : hasLive
              ? 'A new secret becomes the primary. The old one goes on meanwhile, so that no call is refused because of it.'
              : 'The key has no live secret. A new one makes it work again.'}
        </Text>
        {how === 'rotate' && hasLive && (
          <NumberInput
            label="The old one goes on for, in days"
            description={
              policy
                ? `Left empty: ${durationInWords(policy.default_overlap)}. At most ${durationInWords(policy.max_overlap)}. 0 ends it at once.`
                : '0 ends it at once.'
            }
            value={days}
            onChange={setDays}
            min={0}
            max={policy ? policy.max_overlap / 86_400 : 365}
            data-autofocus
          />
        )}
        {key.kind === 'jwt' && (
          <Text size="sm" className="soft">
            An old token that has ended here is refused offline within two minutes, however long its own end says.
          </Text>
        )}
        <ProblemNote problem={make.problem} />
        <Group>
          <Button loading={make.pending} onClick={() => make.run(undefined)}>
            {how === 'stage' ? 'Stage it' : 'Rotate'}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
