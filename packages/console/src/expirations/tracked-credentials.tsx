import type { TrackedCredential } from '@keyturn/contract'
import { Button, Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/api.ts'
import { queries } from '../api/queries.ts'
import { useChange } from '../api/use-change.ts'
import { MissingRight, useMay } from '../app/me.tsx'
import { Section } from '../ui/page.tsx'
import { Reading } from '../ui/problem.tsx'
import { sayProblem } from '../ui/say-problem.ts'
import { When } from '../ui/when.tsx'
import { TrackCredential } from './track-credential.tsx'

type Asked = { readonly renew: TrackedCredential | null }

/** What others issued: known by facts alone, in the same list and the same calendar. */
export function TrackedCredentials({ org }: { readonly org: string }) {
  const may = useMay()
  const tracked = useQuery(queries.trackedCredentials(org))
  const [asked, setAsked] = useState<Asked | null>(null)
  const mayWrite = may('tracked_credentials:write')
  return (
    <Section
      title="Tracked credentials"
      lead="Issued by others. A fingerprint, an owner and an end are kept, never the credential."
      actions={
        mayWrite && (
          <Button variant="default" size="compact-sm" onClick={() => setAsked({ renew: null })}>
            Track one
          </Button>
        )
      }
    >
      {!mayWrite && <MissingRight action="tracked_credentials:write" doing="Tracking credentials" />}
      <Reading of={tracked}>
        {(list) =>
          list.length === 0 ? (
            <Text size="sm" className="soft">
              None yet: the certificate of a partner, the token of a payment provider, whatever stops when it ends.
            </Text>
          ) : (
            <Stack gap="xs">
              {list.map((one) => (
                <OneCredential
                  key={one.id}
                  org={org}
                  of={one}
                  mayWrite={mayWrite}
                  onRenew={() => setAsked({ renew: one })}
                />
              ))}
            </Stack>
          )
        }
      </Reading>
      {asked && <TrackCredential org={org} renew={asked.renew} onClose={() => setAsked(null)} />}
    </Section>
  )
}

interface OneCredentialProps {
  readonly org: string
  readonly of: TrackedCredential
  readonly mayWrite: boolean
  readonly onRenew: () => void
}

function OneCredential({ org, of: one, mayWrite, onRenew }: OneCredentialProps) {
  const path = { org, tracked_credential: one.id }
  const remove = useChange(
    () => api.call('DELETE /v1/organizations/{org}/tracked-credentials/{tracked_credential}', { path }),
    { failed: sayProblem },
  )
  return (
    <Group justify="space-between" gap="xs">
      <Text size="sm" component="div" style={{ flex: '1 1 12rem', minWidth: 0 }}>
        <strong>{one.name}</strong>
        <Text size="xs" className="soft">
          {one.expired ? 'ended' : 'ends'} <When at={one.expires_at} />
          {one.iss !== null && ` · of ${one.iss}`} · {one.owner ?? 'nobody'}
        </Text>
      </Text>
      {mayWrite && (
        <Group gap={6} wrap="nowrap">
          <Button variant="default" size="compact-xs" onClick={onRenew} aria-label={`Renew ${one.name}`}>
            Renew
          </Button>
          <Button
            variant="default"
            size="compact-xs"
            loading={remove.pending}
            onClick={() => remove.run(undefined)}
            aria-label={`Track ${one.name} no more`}
          >
            Track no more
          </Button>
        </Group>
      )}
    </Group>
  )
}
