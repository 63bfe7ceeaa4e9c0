import type { Leaving } from '@keyturn/contract'
import type { AnswerOf } from '@keyturn/sdk'
import { Alert, Button, Checkbox, Group, Select, Stack, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { api } from '../api/api.ts'
import { useIdempotencyKey } from '../api/idempotency-key.ts'
import { queries } from '../api/queries.ts'
import { useChange } from '../api/use-change.ts'
import { MissingRight, useMay } from '../app/me.tsx'
import { CopyIcon } from '../ui/copy.tsx'
import { ButtonLink, Link } from '../ui/link.tsx'
import { Empty, Page, Section } from '../ui/page.tsx'
import { ProblemNote, Reading } from '../ui/problem.tsx'
import { count } from '../words/words.ts'

type Report = AnswerOf<'POST /v1/organizations/{org}/members/{member}/remove'>

/** Somebody leaves: what they own, made and have seen; who takes it over; what gets another value. */
export function LeavingPage() {
  const { org, member } = useParams({ from: '/$org/members/$member/leaving' })
  const may = useMay()
  const leaving = useQuery({ ...queries.leaving(org, member), enabled: may('members:write') })
  const [report, setReport] = useState<Report | null>(null)
  if (!may('members:write'))
    return (
      <Page title="Somebody leaves">
        <MissingRight action="members:write" doing="Removing members" />
      </Page>
    )
  if (report) return <Done org={org} report={report} />
  return (
    <Reading of={leaving}>
      {(found) => (
        <Page
          title={`${found.member.name} leaves`}
          lead={`${found.member.email} owns ${count(found.counts.owned, 'key')}, made ${found.counts.created.toLocaleString()}, and has seen the value of ${found.counts.seen.toLocaleString()} that still work.`}
        >
          <WhatToDo org={org} of={found} onDone={setReport} />
          <Section title="What they leave" flush>
            <LeftKeys org={org} keys={found.keys} />
          </Section>
        </Page>
      )}
    </Reading>
  )
}

interface WhatToDoProps {
  readonly org: string
  readonly of: Leaving
  readonly onDone: (report: Report) => void
}

function WhatToDo({ org, of: { member, counts, open_links }, onDone }: WhatToDoProps) {
  const members = useQuery(queries.members(org))
  const [heir, setHeir] = useState<string | null>(null)
  const [rotate, setRotate] = useState(counts.seen > 0)
  const [nobody, setNobody] = useState(false)
  const [typed, setTyped] = useState('')
  const idempotencyKey = useIdempotencyKey()
  const body = { hand_over_to: heir, rotate_seen: rotate, force: nobody }
  const remove = useChange(
    () =>
      api.call('POST /v1/organizations/{org}/members/{member}/remove', {
        path: { org, member: member.id },
        body,
        idempotencyKey: idempotencyKey(body),
      }),
    { done: onDone, gone: ['leaving'] },
  )
  const links = [
    open_links.invitations > 0 && count(open_links.invitations, 'invitation'),
    open_links.claim_links > 0 && count(open_links.claim_links, 'claim link'),
    open_links.feed_tokens > 0 && count(open_links.feed_tokens, 'calendar link'),
  ].filter((one) => typeof one === 'string')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    remove.run(undefined)
  }
  return (
    <Section title="What is to be done">
      <form onSubmit={submit}>
        <Stack maw="36rem">
          <ProblemNote problem={remove.problem} />
          {counts.owned > 0 && (
            <>
              <Select
                label="Their keys are handed to"
                placeholder="Choose somebody"
                clearable
                data={(members.data ?? [])
                  .filter(({ id }) => id !== member.id)
                  .map(({ id, name, email }) => ({ value: id, label: `${name} (${email})` }))}
                value={heir}
                onChange={setHeir}
              />
              {heir === null && (
                <Checkbox
                  label="Nobody takes them over: they stay without an owner who is here"
                  checked={nobody}
                  onChange={(event) => setNobody(event.currentTarget.checked)}
                />
              )}
            </>
          )}
          <Checkbox
            label={`Give ${count(counts.seen, 'key')} whose value they have seen a new one, with overlap`}
            description="The report shows the new values, this once."
            checked={rotate}
            onChange={(event) => setRotate(event.currentTarget.checked)}
            disabled={counts.seen === 0}
          />
          {links.length > 0 && (
            <Text size="sm" className="soft">
              Links that they made and that are still open are withdrawn: {links.join(', ')}.
            </Text>
          )}
          <TextInput
            label={`Type ${member.email}`}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            autoComplete="off"
          />
          <Group>
            <Button type="submit" color="red" loading={remove.pending} disabled={typed.trim() !== member.email}>
              Remove {member.name}
            </Button>
            <ButtonLink to="/$org/members" params={{ org }} variant="default">
              Leave it
            </ButtonLink>
          </Group>
        </Stack>
      </form>
    </Section>
  )
}

function LeftKeys({ org, keys }: { readonly org: string; readonly keys: Leaving['keys'] }) {
  if (keys.length === 0) return <Empty title="Nothing">They own, made and saw no key that still works.</Empty>
  return (
    <table className="rows">
      <thead>
        <tr>
          <th>Key</th>
          <th>Status</th>
          <th>What it is to them</th>
        </tr>
      </thead>
      <tbody>
        {keys.map((key) => (
          <tr key={key.id}>
            <td>
              <Link to="/$org/keys/$key" params={{ org, key: key.id }}>
                {key.name}
              </Link>
            </td>
            <td>{key.status}</td>
            <td>
              {[key.owned && 'owns it', key.created && 'made it', key.seen && 'has seen its value']
                .filter((one) => typeof one === 'string')
                .join(', ')}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Done({ org, report }: { readonly org: string; readonly report: Report }) {
  const rotated = report.keys.filter(({ secret }) => typeof secret?.value === 'string')
  const failed = report.keys.filter(({ rotation }) => rotation === 'not_possible')
  return (
    <Page
      title={`${report.member.name} is removed`}
      lead={
        report.handed_over_to
          ? `${count(report.keys.filter((key) => key.handed_over).length, 'key')} went to ${report.handed_over_to.name}.`
          : undefined
      }
      actions={
        <ButtonLink to="/$org/members" params={{ org }}>
          {rotated.length > 0 ? 'I have saved the values' : 'Back to the members'}
        </ButtonLink>
      }
    >
      {failed.length > 0 && (
        <Alert color="yellow" variant="light" title="These were not rotated">
          {failed.map(({ id, name, reason }) => (
            <Text key={id} size="sm">
              {name}: {reason?.replaceAll('_', ' ')}
            </Text>
          ))}
        </Alert>
      )}
      {rotated.length > 0 && (
        <Section title="New values, shown this once" lead="The old ones go on for the overlap." flush>
          <table className="rows">
            <tbody>
              {rotated.map(({ id, name, secret }) => (
                <tr key={id}>
                  <td>
                    <strong>{name}</strong>
                  </td>
                  <td>
                    <Group gap={4} wrap="nowrap">
                      <span className="mono">{secret?.value}</span>
                      <CopyIcon text={secret?.value ?? ''} what={`the value of ${name}`} />
                    </Group>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Section>
      )}
    </Page>
  )
}
