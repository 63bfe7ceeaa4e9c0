import type { CutOver } from '@keyturn/contract'
import { Group, Stack, Text } from '@mantine/core'
import { Status, type Tone } from '../ui/status.tsx'
import { Exact, When } from '../ui/when.tsx'
import { sentence } from '../words/words.ts'

type SecretInCutOver = CutOver['secrets'][number]

interface SlotCardProps {
  readonly of: SecretInCutOver
  readonly state: CutOver['state']
}

/** One secret: which of the two it is, whether it is called, when it ends. */
export function SlotCard({ of: secret, state }: SlotCardProps) {
  const { word, tone } = roleOf(secret, state)
  return (
    <Stack
      component="section"
      aria-label={`${word} secret ${secret.hint}`}
      gap="xs"
      p="md"
      style={{ border: '1px solid var(--keyturn-line)', borderRadius: '0.6rem', minWidth: 0 }}
    >
      <Group justify="space-between" gap="xs">
        <span className="mono" style={{ fontWeight: 600 }}>
          {secret.hint}
        </span>
        <Status tone={tone}>{word}</Status>
      </Group>
      <Text size="sm">{sentence(secret.advice.sentence)}</Text>
      <dl className="facts">
        <dt>Last call</dt>
        <dd>
          <When at={secret.last_used_at} />
        </dd>
        <dt>Calls</dt>
        <dd>
          {secret.calls.last_hour.toLocaleString()} in an hour, {secret.calls.last_day.toLocaleString()} in a day,{' '}
          {secret.calls.last_30_days.toLocaleString()} in 30 days
        </dd>
        {secret.refused_calls.last_30_days > 0 && (
          <>
            <dt>Refused</dt>
            <dd>{secret.refused_calls.last_30_days.toLocaleString()} in 30 days</dd>
          </>
        )}
        <dt>{secret.status === 'live' ? 'Ends' : 'Ended'}</dt>
        <dd>
          <When at={secret.retires_at ?? secret.expires_at} />
          {(secret.retires_at ?? secret.expires_at) !== null && (
            <Text size="xs" className="soft">
              <Exact at={secret.retires_at ?? secret.expires_at} />
            </Text>
          )}
        </dd>
        <dt>Made</dt>
        <dd>
          <When at={secret.created_at} />
        </dd>
        {secret.addresses.length > 0 && (
          <>
            <dt>Called from</dt>
            <dd>
              {secret.addresses.map(({ address, at, user_agent }) => (
                <div key={address}>
                  <span className="mono">{address}</span>, <When at={at} />
                  {user_agent !== null && <span className="soft"> · {user_agent}</span>}
                </div>
              ))}
            </dd>
          </>
        )}
      </dl>
    </Stack>
  )
}

function roleOf(secret: SecretInCutOver, state: CutOver['state']): { word: string; tone: Tone } {
  if (secret.status !== 'live')
    return {
      word: secret.status === 'rotated' ? 'Replaced' : secret.status === 'expired' ? 'Expired' : 'Revoked',
      tone: 'bad',
    }
  if (secret.staged) return { word: 'New, staged', tone: 'good' }
  if (state === 'retiring')
    return secret.slot === 'primary' ? { word: 'New', tone: 'good' } : { word: 'Old, retiring', tone: 'warn' }
  return { word: state === 'staged' ? 'In charge' : 'Live', tone: 'good' }
}
