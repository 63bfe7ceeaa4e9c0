import type { AnswerOf } from '@keyturn/sdk'
import { Button, Group, PasswordInput, Stack, Text } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { plainApi } from '../api/api.ts'
import { useChange } from '../api/use-change.ts'
import { SettingsNav } from '../settings/settings-nav.tsx'
import { Page, Section } from '../ui/page.tsx'
import { ProblemNote } from '../ui/problem.tsx'
import { Status } from '../ui/status.tsx'
import { When } from '../ui/when.tsx'
import { durationInWords } from '../words/time.ts'
import { count } from '../words/words.ts'

type Nodes = AnswerOf<'GET /v1/nodes'>['data']

/** The processes that answer. They belong to the installation, not to an organization, so no role shows them: the root key does. */
export function NodesPage() {
  const [nodes, setNodes] = useState<Nodes | null>(null)
  return (
    <Page title="Nodes" lead="The processes that answer calls, and how far each is with what was changed.">
      <SettingsNav />
      {nodes === null ? <AskWithRootKey onAnswer={setNodes} /> : <List of={nodes} onAgain={() => setNodes(null)} />}
    </Page>
  )
}

/** The key is in the memory of this page until it is answered, and nowhere else. */
function AskWithRootKey({ onAnswer }: { readonly onAnswer: (nodes: Nodes) => void }) {
  const [key, setKey] = useState('')
  const ask = useChange(
    () => plainApi.call('GET /v1/nodes', { key: key.trim() }),
    ({ data }) => onAnswer(data),
  )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    ask.run(undefined)
  }
  return (
    <Section
      title="Seeing the nodes wants the root key"
      lead="Nodes serve every organization of this installation, so no role of one organization shows them. Whoever runs Keyturn has the root key."
    >
      <form onSubmit={submit}>
        <Stack>
          <ProblemNote problem={ask.problem} />
          <Group align="flex-end" gap="sm">
            <PasswordInput
              label="Root key"
              value={key}
              onChange={(event) => setKey(event.currentTarget.value)}
              autoComplete="off"
              style={{ flex: '0 1 26rem' }}
            />
            <Button type="submit" variant="default" loading={ask.pending} disabled={key.trim() === ''}>
              Show the nodes
            </Button>
          </Group>
          <Text size="xs" className="soft">
            It is sent with this one question, and kept nowhere. Without the console:
          </Text>
          <pre className="code">{`curl -H "Authorization: Bearer $KEYTURN_ROOT_KEY" ${location.origin}/v1/nodes`}</pre>
        </Stack>
      </form>
    </Section>
  )
}

function List({ of: nodes, onAgain }: { readonly of: Nodes; readonly onAgain: () => void }) {
  return (
    <Section
      title={count(nodes.length, 'node')}
      actions={
        <Button variant="default" size="compact-sm" onClick={onAgain}>
          Ask again
        </Button>
      }
      flush
    >
      <table className="rows">
        <thead>
          <tr>
            <th>Node</th>
            <th>How far it is</th>
            <th>Answers from memory for</th>
            <th>Version</th>
            <th>Started</th>
          </tr>
        </thead>
        <tbody>
          {nodes.map(({ id, lag, lease, version, started_at }) => (
            <tr key={id}>
              <td className="mono">{id}</td>
              <td data-label="How far it is">
                {lag === 0 ? (
                  <Status tone="good">Up to date</Status>
                ) : (
                  <Status tone="warn">{`${count(lag, 'change')} behind`}</Status>
                )}
              </td>
              <td data-label="Answers from memory for">{durationInWords(lease)}</td>
              <td data-label="Version">{version}</td>
              <td data-label="Started">
                <When at={started_at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  )
}
