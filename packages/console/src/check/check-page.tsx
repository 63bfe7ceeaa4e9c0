import type { VerdictCode } from '@keyturn/contract'
import type { AnswerOf, CallProblem } from '@keyturn/sdk'
import { Alert, Button, Group, PasswordInput, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useEffect, useState } from 'react'
import { plainApi } from '../api/api.ts'
import { queries } from '../api/queries.ts'
import { useHere, useOrg } from '../app/me.tsx'
import { Link } from '../ui/link.tsx'
import { Page, Section } from '../ui/page.tsx'
import { ProblemNote } from '../ui/problem.tsx'
import { KeyStatus } from '../ui/status.tsx'
import { Exact } from '../ui/when.tsx'
import { kindWords, verdictWords } from '../words/words.ts'
import { takePasted } from './pasted.ts'

type OwnKey = AnswerOf<'GET /v1/keys/self'>

type Checked =
  | { readonly kind: 'works'; readonly own: OwnKey }
  | { readonly kind: 'refused'; readonly code: VerdictCode | null; readonly why: string; readonly hint: string | null }
  | { readonly kind: 'failed'; readonly problem: CallProblem }

/** Whatever is pasted: what it is, whether it works, and in words why not. The value is asked with, and kept nowhere. */
export function CheckPage() {
  const [value, setValue] = useState('')
  const [checked, setChecked] = useState<Checked | null>(null)
  const [pending, setPending] = useState(false)
  async function check(pasted: string) {
    setPending(true)
    setChecked(await ask(pasted))
    setPending(false)
  }
  useEffect(() => {
    const pasted = takePasted()
    if (pasted === '') return
    setValue(pasted)
    void check(pasted)
  }, [])
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void check(value)
  }
  return (
    <Page
      title="Check a key"
      lead="“My integration says Unauthorized”: paste the value that it sends, as it sends it. It is asked about with itself, and kept nowhere."
    >
      <Section title="The value">
        <form onSubmit={submit}>
          <Group gap="xs" align="flex-end">
            <PasswordInput
              label="Value"
              value={value}
              onChange={(event) => {
                setValue(event.currentTarget.value)
                setChecked(null)
              }}
              autoComplete="off"
              data-1p-ignore
              spellCheck={false}
              style={{ flex: '1 1 18rem' }}
            />
            <Button type="submit" loading={pending} disabled={value === ''}>
              Check
            </Button>
          </Group>
        </form>
      </Section>
      <div aria-live="polite">{checked && <Outcome of={checked} />}</div>
    </Page>
  )
}

/** What could not even be sent is said here, in the words of the server for the same. */
async function ask(value: string): Promise<Checked> {
  const fault = faultOf(value)
  if (fault !== null) return { kind: 'refused', code: 'MALFORMED', why: fault, hint: null }
  const answer = await plainApi.call('GET /v1/keys/self', { key: value })
  if (answer.ok) return { kind: 'works', own: answer.value }
  const { problem } = answer
  if (problem.code === 'publishable_key_refused')
    return {
      kind: 'refused',
      code: null,
      why: 'It is a publishable key of this installation, for browsers and apps. It works where your product takes such, and proves nothing where a secret is wanted.',
      hint: hintOf(value),
    }
  if (problem.code !== 'invalid_token') return { kind: 'failed', problem }
  return { kind: 'refused', code: codeIn(problem), why: problem.detail, hint: hintOf(value) }
}

function faultOf(value: string): string | null {
  if (/^\s|\s$/.test(value)) return 'There is white space before or after it. Send the bare value, as it was shown.'
  if (/^Bearer /i.test(value)) return 'It begins with “Bearer”, which belongs to the header and not to the value.'
  if (/\s/.test(value)) return 'There is white space within it: two lines, or more than one value, were copied.'
  if (!/^[\x21-\x7e]+$/.test(value)) return 'There are letters in it that no key has, as “smart” quotes or dashes.'
  if (value.includes(',')) return 'There is a comma in it: more than one value was copied.'
  return value.length > 4096 ? 'It is longer than any key.' : null
}

/** Prefix, first four and last four: what lists show of it. Of what is not shaped like ours, nothing. */
function hintOf(value: string): string | null {
  const [, prefix, body] = /^(\w+_(?:live|test)_)([0-9A-Za-z]{38})$/.exec(value) ?? []
  return prefix === undefined || body === undefined ? null : `${prefix}${body.slice(0, 4)}…${body.slice(-4)}`
}

function codeIn({ facts }: CallProblem): VerdictCode | null {
  const verdict = facts['verdict']
  const code = typeof verdict === 'object' && verdict !== null && 'code' in verdict ? verdict.code : null
  const known = Object.keys(verdictWords)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is one of the codes that there are words for
  return typeof code === 'string' && known.includes(code) ? (code as VerdictCode) : null
}

function Outcome({ of: checked }: { readonly of: Checked }) {
  if (checked.kind === 'failed') return <ProblemNote problem={checked.problem} />
  if (checked.kind === 'works') return <Works own={checked.own} />
  return (
    <Alert
      color="red"
      variant="light"
      title={
        checked.code === null ? 'It is no secret key' : `It is refused: ${verdictWords[checked.code].toLowerCase()}`
      }
      data-testid="outcome"
    >
      <Stack gap="xs">
        <Text size="sm">{checked.why}</Text>
        {checked.code !== null && (
          <Text size="xs" className="mono">
            {checked.code}
          </Text>
        )}
        {checked.hint !== null && <InThisOrganization hint={checked.hint} />}
      </Stack>
    </Alert>
  )
}

/** Is there a key here whose hint is the same? Only what every list shows is looked for. */
function InThisOrganization({ hint }: { readonly hint: string }) {
  const org = useOrg()
  const tail = hint.slice(-4)
  const found = useQuery(
    queries.keys(org, undefined, { q: tail, status: 'active,disabled,expired,revoked', limit: 20 }),
  )
  const same = found.data?.data.find((key) => key.secrets.some((secret) => secret.hint === hint))
  if (!same) return null
  return (
    <Text size="sm">
      By its hint it is a secret of{' '}
      <Link underline="always" to="/$org/keys/$key" params={{ org, key: same.id }}>
        {same.name}
      </Link>
      .
    </Text>
  )
}

function Works({ own }: { readonly own: OwnKey }) {
  const { membership } = useHere()
  const isHere = own.organization.id === membership.organization.id
  const { key } = own
  return (
    <Section title="It works">
      <Text size="sm" data-testid="outcome">
        The value is right, and calls with it pass. If an integration is refused all the same, it sends something else,
        to another project, or from an address or for a scope that the key does not have.
      </Text>
      <dl className="facts">
        <dt>Key</dt>
        <dd>
          {isHere ? (
            <Link underline="always" to="/$org/keys/$key" params={{ org: membership.organization.slug, key: key.id }}>
              {key.name}
            </Link>
          ) : (
            key.name
          )}
        </dd>
        <dt>Organization</dt>
        <dd>{own.organization.name}</dd>
        <dt>Project</dt>
        <dd>{own.project.name}</dd>
        <dt>Status</dt>
        <dd>
          <KeyStatus of={key} />
        </dd>
        <dt>Kind</dt>
        <dd>
          {kindWords[key.kind].name}, {key.environment}
        </dd>
        <dt>This secret ends</dt>
        <dd>
          <Exact at={own.expires_at} />
        </dd>
        <dt>Scopes</dt>
        <dd>{key.scopes.length === 0 ? 'none' : key.scopes.join(', ')}</dd>
        <dt>Allowed from</dt>
        <dd>{key.allowed_ips.length === 0 ? 'everywhere' : key.allowed_ips.join(', ')}</dd>
        <dt>Owner</dt>
        <dd>{key.owner ?? 'nobody'}</dd>
      </dl>
    </Section>
  )
}
