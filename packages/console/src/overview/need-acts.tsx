import { Button, Group, Text } from '@mantine/core'
import { api } from '../api/api.ts'
import { useChange } from '../api/use-change.ts'
import { useMay, useMissingRight } from '../app/me.tsx'
import { Acknowledge } from '../keys/acknowledge.tsx'
import { ButtonLink, Link } from '../ui/link.tsx'
import { sayProblem } from '../ui/say-problem.ts'
import type { Need } from './need.ts'

interface NeedProps {
  readonly org: string
  readonly of: Need
}

/** What it is about, leading to its page. */
export function NeedName({ org, of: { place, name } }: NeedProps) {
  if (place.page === 'key')
    return (
      <Link to="/$org/keys/$key" params={{ org, key: place.key }} fw={600}>
        {name}
      </Link>
    )
  if (place.page === 'channel')
    return (
      <Link to="/$org/settings/reminders/$channel" params={{ org, channel: place.channel }} fw={600}>
        {name}
      </Link>
    )
  return (
    <Link to={place.page === 'outbox' ? '/$org/settings/outbox' : '/$org/expirations'} params={{ org }} fw={600}>
      {name}
    </Link>
  )
}

interface NeedActsProps extends NeedProps {
  readonly onExtend: () => void
}

const look = { variant: 'default', size: 'compact-sm' } as const

/** What helps, in place; for who may not, whom to ask. */
export function NeedActs({ org, of: need, onExtend }: NeedActsProps) {
  const { place, name } = need
  if (place.page === 'key') return <KeyActs org={org} of={need} keyId={place.key} onExtend={onExtend} />
  if (place.page === 'channel')
    return (
      <ButtonLink
        to="/$org/settings/reminders/$channel"
        params={{ org, channel: place.channel }}
        {...look}
        aria-label={`Look: ${name}`}
      >
        Look
      </ButtonLink>
    )
  if (place.page === 'outbox')
    return (
      <ButtonLink to="/$org/settings/outbox" params={{ org }} {...look} aria-label={`Look: ${name}`}>
        Look
      </ButtonLink>
    )
  return <AcknowledgeNeed of={need} />
}

/** Where somebody was told of its date, and nobody has said yet that they see to it. */
function AcknowledgeNeed({ of: need }: Pick<NeedProps, 'of'>) {
  const may = useMay()
  const { reminder, acknowledged, name, projectId, owner, management } = need
  if (reminder === null || acknowledged !== null || !may('reminders:change', { projectId, owner, management }))
    return null
  return <Acknowledge reminder={reminder} name={name} />
}

function KeyActs({ org, of: need, keyId: key, onExtend }: NeedActsProps & { readonly keyId: string }) {
  const may = useMay()
  const missing = useMissingRight()
  const review = useChange(() => api.call('POST /v1/keys/{key}/review', { path: { key } }), { failed: sayProblem })
  const target = { projectId: need.projectId, owner: need.owner, management: need.management }
  const mayChange = may('keys:change', target)
  const mayRotate = may('keys:rotate', target)
  if (!mayChange && !mayRotate)
    return (
      <Text size="xs" className="soft" style={{ whiteSpace: 'normal', maxWidth: '14rem' }}>
        {missing('keys:change', 'This')}
      </Text>
    )
  const open = (label: string, act?: 'edit') => (
    <ButtonLink
      to="/$org/keys/$key"
      params={{ org, key }}
      search={act ? { do: act } : {}}
      {...look}
      aria-label={`${label}: ${need.name}`}
    >
      {label}
    </ButtonLink>
  )
  return (
    <Group gap={6} justify="flex-end">
      {need.act === 'extend' && mayChange && !need.legacy && (
        <Button size="compact-sm" onClick={onExtend} aria-label={`Extend ${need.name}`}>
          Extend
        </Button>
      )}
      {(need.act === 'extend' || need.act === 'rotation') && mayRotate && open('Rotate')}
      {need.act === 'edit' && mayRotate && open(need.editing ?? 'Edit', 'edit')}
      {need.act === 'review' && mayChange && (
        <Button
          {...look}
          loading={review.pending}
          onClick={() => review.run(undefined)}
          aria-label={`Acknowledge ${need.name}`}
        >
          Acknowledge
        </Button>
      )}
      {need.act === 'open' && open('Look')}
      <AcknowledgeNeed of={need} />
    </Group>
  )
}
