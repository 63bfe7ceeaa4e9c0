import type { Key } from '@keyturn/contract'
import { Badge, Button, Group, SimpleGrid, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { problemIn } from '../api/api.ts'
import { queries } from '../api/queries.ts'
import { MissingRight, useMay } from '../app/me.tsx'
import { CopyIcon } from '../ui/copy.tsx'
import { Link } from '../ui/link.tsx'
import { Empty, Page, Section } from '../ui/page.tsx'
import { Reading } from '../ui/problem.tsx'
import { KeyStatus } from '../ui/status.tsx'
import { Exact, When } from '../ui/when.tsx'
import { kindWords } from '../words/words.ts'
import { ClaimLinks } from './claim-links.tsx'
import { endInToken, isExtensible } from './extensible.ts'
import { KeyActs } from './key-acts.tsx'
import { type KeyAct, KeyMenu } from './key-menu.tsx'
import { KeyReminders } from './key-reminders.tsx'
import { Leaked } from './leaked.tsx'
import { Limits } from './limits.tsx'
import { Rotation } from './rotation.tsx'
import { targetOf } from './target.ts'
import { Timeline } from './timeline.tsx'
import { Usage } from './usage.tsx'

export function KeyPage() {
  const { key } = useParams({ from: '/$org/keys/$key' })
  const read = useQuery(queries.key(key))
  if (problemIn(read.error)?.code === 'key_not_found' && !read.data)
    return (
      <Page title="There is no such key">
        <Empty title="It was deleted, or belongs to another organization">
          Its history is in the audit log, if it was one of yours.
        </Empty>
      </Page>
    )
  return <Reading of={read}>{(found) => <KeyShown of={found} />}</Reading>
}

const acts: readonly string[] = ['edit', 'extend', 'revoke', 'delete'] satisfies KeyAct[]
const isAct = (text: string | undefined): text is KeyAct => text !== undefined && acts.includes(text)

function KeyShown({ of: key }: { readonly of: Key }) {
  const { org } = useParams({ from: '/$org/keys/$key' })
  const asked = useSearch({ from: '/$org/keys/$key' }).do
  const navigate = useNavigate({ from: '/$org/keys/$key' })
  const may = useMay()
  const [act, setAct] = useState<KeyAct | null>(null)
  const extensible = isExtensible(key)
  // Another page leads here to do something.
  useEffect(() => {
    if (isAct(asked) && (asked !== 'extend' || extensible)) setAct(asked)
  }, [asked, extensible])
  const close = () => {
    setAct(null)
    if (asked !== undefined) void navigate({ search: {}, replace: true })
  }
  const target = targetOf(key)
  const isOver = key.status === 'revoked'
  return (
    <Page
      title={key.name}
      lead={
        <Group gap="sm">
          <KeyStatus of={key} />
          {key.legacy && (
            <Badge size="sm" color="gray" variant="outline">
              Legacy
            </Badge>
          )}
          <span>{key.never_expires ? 'never ends' : <>ends {<When at={key.expires_at} />}</>}</span>
          <span>
            last used <When at={key.last_used_at} />
          </span>
        </Group>
      }
      actions={
        <>
          {!isOver && !key.legacy && may('keys:change', target) && (
            <ExtendButton of={key} onClick={() => setAct('extend')} />
          )}
          {!isOver && may('keys:edit', target) && (
            <Button variant="default" onClick={() => setAct('edit')}>
              Edit
            </Button>
          )}
          <KeyMenu of={key} onAct={setAct} onPage />
        </>
      }
    >
      {!may('keys:edit', target) && <MissingRight action="keys:edit" doing="Changing this key" />}
      <Rotation of={key} />
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
        <About of={key} />
        <ClaimLinks of={key} />
      </SimpleGrid>
      <Limits of={key} />
      <Usage of={key} />
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
        <Stack gap="lg">
          <Timeline of={key} />
          {!isOver && <Leaked of={key} onRevoke={() => setAct('revoke')} />}
        </Stack>
        {isOver ? <Leaked of={key} onRevoke={() => setAct('revoke')} /> : <KeyReminders of={key} />}
      </SimpleGrid>
      <KeyActs
        act={act && { what: act, key }}
        onClose={close}
        onDeleted={() => void navigate({ to: '/$org/keys', params: { org } })}
      />
    </Page>
  )
}

interface ExtendButtonProps {
  readonly of: Key
  readonly onClick: () => void
}

function ExtendButton({ of: key, onClick }: ExtendButtonProps) {
  if (!isExtensible(key))
    return (
      <Text component="span" size="sm" className="soft" maw="14rem">
        {endInToken}
      </Text>
    )
  return (
    <Button variant="default" onClick={onClick}>
      Extend
    </Button>
  )
}

function About({ of: key }: { readonly of: Key }) {
  const { org } = useParams({ from: '/$org/keys/$key' })
  const project = useQuery(queries.projects(org)).data?.find(({ id }) => id === key.project_id)
  return (
    <Section title="About it">
      <dl className="facts">
        <dt>Purpose</dt>
        <dd>{key.purpose ?? <span className="soft">not said</span>}</dd>
        <dt>Owner</dt>
        <dd>{key.owner ?? <span className="soft">nobody</span>}</dd>
        <dt>Contact</dt>
        <dd>{key.contact ?? <span className="soft">none</span>}</dd>
        <dt>Project</dt>
        <dd>
          {key.management !== null ? (
            'Management keys'
          ) : (
            <Link to="/$org/keys" params={{ org }} search={{ project: key.project_id }}>
              {project?.name ?? key.project_id}
            </Link>
          )}
        </dd>
        <dt>Kind</dt>
        <dd>
          {kindWords[key.kind].name}, {key.environment}
        </dd>
        <dt>Ends</dt>
        <dd>
          <Exact at={key.expires_at} />
        </dd>
        {key.rotation_due_at !== null && (
          <>
            <dt>Rotation due</dt>
            <dd>
              <Exact at={key.rotation_due_at} />
            </dd>
          </>
        )}
        <dt>Scopes</dt>
        <dd>{key.scopes.length === 0 ? <span className="soft">none</span> : key.scopes.join(', ')}</dd>
        <dt>Allowed from</dt>
        <dd>{key.allowed_ips.length === 0 ? 'everywhere' : key.allowed_ips.join(', ')}</dd>
        {key.management === null && key.rate_limit === null && key.quota === null && (
          <>
            <dt>Limits</dt>
            <dd className="soft">none</dd>
          </>
        )}
        {key.revoked_reason !== null && (
          <>
            <dt>Revoked because</dt>
            <dd>{key.revoked_reason}</dd>
          </>
        )}
        <dt>Made</dt>
        <dd>
          <When at={key.created_at} /> by {key.created_by.name}
        </dd>
        <dt>Reviewed</dt>
        <dd>
          <When at={key.reviewed_at} none="not yet" />
        </dd>
        <dt>Id</dt>
        <dd>
          <Group gap={2} wrap="nowrap">
            <span className="mono">{key.id}</span>
            <CopyIcon text={key.id} what="the id" />
          </Group>
        </dd>
        {Object.keys(key.metadata).length > 0 && (
          <>
            <dt>Metadata</dt>
            <dd className="mono">{JSON.stringify(key.metadata)}</dd>
          </>
        )}
      </dl>
    </Section>
  )
}
