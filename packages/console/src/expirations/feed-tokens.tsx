import type { FeedToken } from '@keyturn/contract'
import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { api } from '../api/api.ts'
import { queries } from '../api/queries.ts'
import { useChange } from '../api/use-change.ts'
import { MissingRight, useMay } from '../app/me.tsx'
import { CopyButton } from '../ui/copy.tsx'
import { Section } from '../ui/page.tsx'
import { ProblemNote, Reading } from '../ui/problem.tsx'
import { sayProblem } from '../ui/say-problem.ts'
import { When } from '../ui/when.tsx'

/** The same in a calendar: an address that reads this list, and nothing else, until it is revoked. */
export function FeedTokens({ org }: { readonly org: string }) {
  const may = useMay()
  const [name, setName] = useState('')
  const tokens = useQuery(queries.feedTokens(org))
  const create = useChange(
    () => api.call('POST /v1/organizations/{org}/feed-tokens', { path: { org }, body: { name } }),
    () => setName(''),
  )
  const url = create.value?.url
  const submit = (event: FormEvent) => {
    event.preventDefault()
    create.run(undefined)
  }
  const open = tokens.data?.filter(({ revoked_at }) => revoked_at === null) ?? []
  return (
    <Section title="In your calendar" lead="Whoever has such a link sees what ends when, and nothing else.">
      <Reading of={tokens}>
        {() =>
          open.length === 0 ? (
            <Text size="sm" className="soft">
              No calendar subscribes to it yet.
            </Text>
          ) : (
            <Stack gap="xs">
              {open.map((token) => (
                <OneToken key={token.id} org={org} of={token} />
              ))}
            </Stack>
          )
        }
      </Reading>
      {may('feed_tokens:write') ? (
        <form onSubmit={submit}>
          <ProblemNote problem={create.problem} />
          <Group gap="xs" align="flex-end">
            <TextInput
              label="For whose calendar?"
              placeholder="The platform team"
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              style={{ flex: '1 1 12rem' }}
            />
            <Button type="submit" variant="default" loading={create.pending} disabled={name.trim() === ''}>
              Make a link
            </Button>
          </Group>
        </form>
      ) : (
        <MissingRight action="feed_tokens:write" doing="Making a calendar link" />
      )}
      {typeof url === 'string' && (
        <Modal opened onClose={create.reset} title="A link for the calendar" size="lg">
          <Stack>
            <Text size="sm">Subscribe to it in your calendar. It is shown this once.</Text>
            <div className="secret" data-testid="feed-url">
              {url}
            </div>
            <Group>
              <CopyButton text={url}>Copy the link</CopyButton>
              <Button variant="default" onClick={create.reset}>
                Close
              </Button>
            </Group>
          </Stack>
        </Modal>
      )}
    </Section>
  )
}

function OneToken({ org, of: token }: { readonly org: string; readonly of: FeedToken }) {
  const may = useMay()
  const revoke = useChange(
    () => api.call('DELETE /v1/organizations/{org}/feed-tokens/{feed_token}', { path: { org, feed_token: token.id } }),
    { failed: sayProblem },
  )
  return (
    <Group justify="space-between" gap="xs">
      <Text size="sm">
        <strong>{token.name}</strong>, made <When at={token.created_at} /> by {token.created_by.name}; last read{' '}
        <When at={token.last_used_at} />
      </Text>
      {may('feed_tokens:write') && (
        <Button
          variant="default"
          size="compact-xs"
          loading={revoke.pending}
          onClick={() => revoke.run(undefined)}
          aria-label={`Revoke the link of ${token.name}`}
        >
          Revoke
        </Button>
      )}
    </Group>
  )
}
