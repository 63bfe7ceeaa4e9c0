import { type Mail, mailStates } from '@keyturn/contract'
import { Alert, Group, Select, Text, VisuallyHidden } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { queries } from '../api/queries.ts'
import { MissingRight, useMay } from '../app/me.tsx'
import { SettingsNav } from '../settings/settings-nav.tsx'
import { Link } from '../ui/link.tsx'
import { Empty, Page, Section } from '../ui/page.tsx'
import { Pager } from '../ui/pager.tsx'
import { Reading } from '../ui/problem.tsx'
import { Status } from '../ui/status.tsx'
import { When } from '../ui/when.tsx'
import { mailAboutWords, mailStateWords } from '../words/notices.ts'
import { SendAgain } from './send-again.tsx'

const isState = (text: string | undefined): text is Mail['state'] => mailStates.some((state) => state === text)

/** What was mailed to whom, and what became of it. */
export function OutboxPage() {
  const { org } = useParams({ from: '/$org/settings/outbox' })
  const search = useSearch({ from: '/$org/settings/outbox' })
  const navigate = useNavigate({ from: '/$org/settings/outbox' })
  const may = useMay()
  const mayRead = may('mails:read')
  const state = isState(search.state) ? search.state : undefined
  const mails = useQuery({ ...queries.outbox(org, { state, cursor: search.cursor, limit: 50 }), enabled: mayRead })
  if (!mayRead)
    return (
      <Page title="Outbox">
        <SettingsNav />
        <MissingRight action="mails:read" doing="Reading the outbox" />
      </Page>
    )
  const choose = (wanted: string | null) => void navigate({ search: wanted === null ? {} : { state: wanted } })
  return (
    <Page title="Outbox" lead="What was mailed to whom, and what became of it.">
      <SettingsNav />
      {mails.data?.smtp === false && <HowToSetUp />}
      <Section title="Mails" flush>
        <Group p="sm">
          <Select
            label="State"
            placeholder="Every state"
            clearable
            w="14rem"
            data={mailStates.map((one) => ({ value: one, label: mailStateWords[one].word }))}
            value={state ?? null}
            onChange={choose}
          />
        </Group>
        <div style={{ borderTop: '1px solid var(--keyturn-line)' }}>
          <Reading of={mails}>
            {({ data, next_cursor }) =>
              data.length === 0 ? (
                <NoMail filtered={state !== undefined || search.cursor !== undefined} />
              ) : (
                <>
                  <Mails org={org} list={data} />
                  <Pager
                    first={search.cursor === undefined}
                    next={next_cursor}
                    onFirst={() => choose(state ?? null)}
                    onNext={(cursor) => void navigate({ search: { ...search, cursor } })}
                  />
                </>
              )
            }
          </Reading>
        </div>
      </Section>
    </Page>
  )
}

function HowToSetUp() {
  return (
    <Alert color="yellow" variant="light" title="No mail server is set up, so nobody is mailed">
      <Text size="sm">
        What would have been mailed is kept here, and can be sent once there is one. Whoever runs Keyturn sets these and
        starts it anew:
      </Text>
      <pre className="code" style={{ marginTop: '0.5rem' }}>
        {`SMTP_URL=smtp://user:password@mail.example.com:587
KEYTURN_MAIL_FROM='Keyturn <keyturn@example.com>'
KEYTURN_PUBLIC_URL=${location.origin}`}
      </pre>
    </Alert>
  )
}

function NoMail({ filtered }: { readonly filtered: boolean }) {
  if (filtered) return <Empty title="No mail matches">Choose another state, or all of them.</Empty>
  return (
    <Empty title="No mail yet">
      Reminders of what ends, notices of what was done to keys, and lists for review come up here as they are made.
    </Empty>
  )
}

function Mails({ org, list }: { readonly org: string; readonly list: readonly Mail[] }) {
  return (
    <table className="rows">
      <thead>
        <tr>
          <th>Subject</th>
          <th>State</th>
          <th>To</th>
          <th>About</th>
          <th>When</th>
          <th>
            <VisuallyHidden>Actions</VisuallyHidden>
          </th>
        </tr>
      </thead>
      <tbody>
        {list.map((mail) => (
          <tr key={mail.id}>
            <td className="c-name">
              <Link to="/$org/settings/outbox/$mail" params={{ org, mail: mail.id }} fw={600}>
                {mail.subject}
              </Link>
              {mail.last_error !== null && (
                <Text size="xs" className="soft" lineClamp={2}>
                  {mail.last_error}
                </Text>
              )}
            </td>
            <td data-label="State">
              <Status tone={mailStateWords[mail.state].tone}>{mailStateWords[mail.state].word}</Status>
            </td>
            <td data-label="To">{mail.recipient}</td>
            <td data-label="About" className="nowrap">
              {mailAboutWords[mail.about]}
            </td>
            <td data-label="When" className="nowrap">
              <When at={mail.sent_at ?? mail.created_at} />
            </td>
            <td className="act below">
              <SendAgain org={org} of={mail} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
