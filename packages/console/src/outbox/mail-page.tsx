import type { MailWithText } from '@keyturn/contract'
import { Group } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { queries } from '../api/queries.ts'
import { MissingRight, useMay } from '../app/me.tsx'
import { SettingsNav } from '../settings/settings-nav.tsx'
import { Empty, Page, Section } from '../ui/page.tsx'
import { Reading } from '../ui/problem.tsx'
import { Status } from '../ui/status.tsx'
import { Exact } from '../ui/when.tsx'
import { mailAboutWords, mailStateWords } from '../words/notices.ts'
import { SendAgain } from './send-again.tsx'

export function MailPage() {
  const { org, mail } = useParams({ from: '/$org/settings/outbox/$mail' })
  const may = useMay()
  const mayRead = may('mails:read')
  const read = useQuery({
    ...queries.mail(org, mail),
    enabled: mayRead,
    // One that waits is looked at until it does not.
    refetchInterval: ({ state: { data } }) => (data?.state === 'queued' ? 3_000 : false),
  })
  if (!mayRead)
    return (
      <Page title="Mail">
        <SettingsNav />
        <MissingRight action="mails:read" doing="Reading the outbox" />
      </Page>
    )
  if (read.error && !read.data)
    return (
      <Page title="There is no such mail">
        <SettingsNav />
        <Empty title="It belongs to another organization, or never was" />
      </Page>
    )
  return <Reading of={read}>{(found) => <MailShown org={org} of={found} />}</Reading>
}

/** Its text: the same as the HTML says, and nothing in it can load or run anything. */
function MailShown({ org, of: mail }: { readonly org: string; readonly of: MailWithText }) {
  const { tone, word } = mailStateWords[mail.state]
  return (
    <Page
      title={mail.subject}
      lead={
        <Group gap="sm">
          <Status tone={tone}>{word}</Status>
          <span>to {mail.recipient}</span>
        </Group>
      }
      actions={<SendAgain org={org} of={mail} />}
    >
      <SettingsNav />
      <Section title="What became of it">
        <dl className="facts">
          <dt>About</dt>
          <dd>{mailAboutWords[mail.about]}</dd>
          <dt>Made</dt>
          <dd>
            <Exact at={mail.created_at} />
          </dd>
          <dt>Sent</dt>
          <dd>
            <Exact at={mail.sent_at} none="not yet" />
          </dd>
          <dt>Attempts</dt>
          <dd>{mail.attempts}</dd>
          {mail.next_attempt_at !== null && (
            <>
              <dt>Next attempt</dt>
              <dd>
                <Exact at={mail.next_attempt_at} />
              </dd>
            </>
          )}
          {mail.last_error !== null && (
            <>
              <dt>What the mail server said</dt>
              <dd>{mail.last_error}</dd>
            </>
          )}
          <dt>Message-ID</dt>
          <dd className="mono">{mail.message_id}</dd>
        </dl>
      </Section>
      <Section title="What it says">
        <pre className="code" data-testid="mail-text">
          {mail.text}
        </pre>
      </Section>
    </Page>
  )
}
