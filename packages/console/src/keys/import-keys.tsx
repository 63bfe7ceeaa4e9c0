import type { ImportAnswer, Project } from '@keyturn/contract'
import { Alert, Button, Drawer, FileButton, Group, List, Select, Stack, Text, Textarea } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useChange } from '../api/use-change.ts'
import { useOrg } from '../app/me.tsx'
import { IconUpload } from '../ui/icons.tsx'
import { ButtonLink, Link } from '../ui/link.tsx'
import { ProblemNote } from '../ui/problem.tsx'
import { count } from '../words/words.ts'
import { formOf, readRefusals, sendImport } from './import-text.ts'

interface ImportKeysProps {
  /** Those that the reader may make keys in. */
  readonly projects: readonly Project[]
  readonly project: string | undefined
  readonly onClose: () => void
}

/** A drawer: keys of another system as CSV or JSON, then what became of each of them. */
export function ImportKeys({ projects, project, onClose }: ImportKeysProps) {
  const [answer, setAnswer] = useState<ImportAnswer | null>(null)
  return (
    <Drawer
      opened
      onClose={onClose}
      closeOnClickOutside={false}
      position="right"
      size="lg"
      title={answer ? 'The keys are here' : 'Import keys'}
    >
      {answer ? (
        <Imported of={answer} onClose={onClose} />
      ) : (
        <ImportForm projects={projects} project={project} onImported={setAnswer} />
      )}
    </Drawer>
  )
}

const example = `name,value,owner,scopes,expires_in
"Shopify, staging",acme_9be2d07715a84c36f001,ada@example.com,orders:read orders:write,15552000`

interface ImportFormProps extends Pick<ImportKeysProps, 'projects' | 'project'> {
  readonly onImported: (answer: ImportAnswer) => void
}

function ImportForm({ projects, project, onImported }: ImportFormProps) {
  const org = useOrg()
  const [into, setInto] = useState<string | null>(project ?? projects[0]?.id ?? null)
  const [text, setText] = useState('')
  const [fault, setFault] = useState<string | null>(null)
  // Sent again after a lost answer, rows that are there already are left as they are.
  const send = useChange(() => sendImport(org, into ?? '', text), onImported)
  const form = formOf(text)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setFault('fault' in form ? form.fault : null)
    if (!('fault' in form)) send.run(undefined)
  }
  const change = (changed: string) => {
    setText(changed)
    setFault(null)
  }
  const open = async (file: File | null) => {
    if (!file) return
    try {
      change(new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer()))
    } catch {
      setFault(`${file.name} is not UTF-8. Save it as "CSV UTF-8" and choose it again.`)
    }
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm">
          Keys that another system issued go on working: their holders notice nothing. All rows are imported, or none,
          and then each that is wrong is named.
        </Text>
        <Refused problem={send.problem} isCsv={!('fault' in form) && form.format === 'csv'} />
        {projects.length > 1 && (
          <Select
            label="Project"
            description="Of the rows that name none."
            searchable
            limit={100}
            data={projects.map(({ id, name }) => ({ value: id, label: name }))}
            value={into}
            onChange={setInto}
            allowDeselect={false}
          />
        )}
        <Textarea
          label="Keys, as CSV or JSON"
          description="Each has a name, and its value or the SHA-256 of it. All else is as for a new key; without an end it gets that of the policy."
          placeholder={example}
          value={text}
          onChange={(event) => change(event.currentTarget.value)}
          error={fault}
          required
          rows={10}
          spellCheck={false}
          autoComplete="off"
          wrap="off"
          data-autofocus
          styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: '0.8rem' } }}
        />
        <Group>
          <Button type="submit" loading={send.pending}>
            Import
          </Button>
          <FileButton accept=".csv,.json,text/csv,application/json" onChange={(file) => void open(file)}>
            {(props) => (
              <Button variant="default" leftSection={<IconUpload size={16} />} {...props}>
                Choose a file
              </Button>
            )}
          </FileButton>
        </Group>
        <Text size="xs" className="soft">
          Keyturn keeps a fingerprint of each value, not the value. The columns and what is refused are in{' '}
          <span className="mono">docs/guides/import.md</span>.
        </Text>
      </Stack>
    </form>
  )
}

/** More than that nobody reads in one go; the next try says the others. */
const mostShown = 100

/** Every row that is wrong, by its line, and why; what stands against all of them as it is. */
function Refused({
  problem,
  isCsv,
}: {
  readonly problem: Parameters<typeof ProblemNote>[0]['problem']
  readonly isCsv: boolean
}) {
  const rows = readRefusals(problem)
  if (rows.length === 0) return <ProblemNote problem={problem} />
  return (
    <Alert color="red" variant="light" title={problem?.title} role="alert">
      <List size="sm">
        {rows.slice(0, mostShown).map(({ line, field, detail }) => (
          <List.Item key={`${line} ${field} ${detail}`}>
            <strong>
              {isCsv ? 'Line' : 'Key'} {line.toLocaleString()}
            </strong>
            {field !== null && `, ${field}`}: {detail}
          </List.Item>
        ))}
      </List>
      {rows.length > mostShown && <Text size="sm">And {count(rows.length - mostShown, 'more row')}.</Text>}
    </Alert>
  )
}

function Imported({
  of: { imported, existing, keys, warnings },
  onClose,
}: {
  readonly of: ImportAnswer
  readonly onClose: () => void
}) {
  const org = useOrg()
  const projects = new Set(keys.map(({ project_id }) => project_id))
  const [only] = projects
  return (
    <Stack>
      <Alert color="green" variant="light" role="status">
        {count(imported, 'key')} imported.
        {existing > 0 &&
          ` ${count(existing, 'key')} ${existing === 1 ? 'was' : 'were'} there already, and nothing of ${existing === 1 ? 'it' : 'them'} was changed.`}
      </Alert>
      {warnings.map(({ code, detail, lines }) => (
        <Alert key={code} color="yellow" variant="light">
          {detail} <span className="soft">({count(lines.length, 'row')})</span>
        </Alert>
      ))}
      <List size="sm" spacing={4}>
        {keys.slice(0, mostShown).map(({ line, id, name, hint, existing: wasThere }) => (
          <List.Item key={line}>
            <Link to="/$org/keys/$key" params={{ org, key: id }}>
              {name}
            </Link>{' '}
            <span className="mono soft">{hint}</span>
            {wasThere && <span className="soft"> · was there already</span>}
          </List.Item>
        ))}
      </List>
      {keys.length > mostShown && (
        <Text size="sm" className="soft">
          And {count(keys.length - mostShown, 'more key')}, in the list.
        </Text>
      )}
      <Group>
        <ButtonLink
          to="/$org/keys"
          params={{ org }}
          search={{ ...(projects.size === 1 && { project: only }), sort: '-created_at' }}
        >
          Show them in the list
        </ButtonLink>
        <Button variant="default" onClick={onClose}>
          Close
        </Button>
      </Group>
    </Stack>
  )
}
