import { readToken, type TokenFacts, type TrackedCredential } from '@keyturn/contract'
import type { Result } from '@keyturn/sdk'
import { Alert, Button, Group, Modal, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { api } from '../api/api.ts'
import { useChange } from '../api/use-change.ts'
import { useHere } from '../app/me.tsx'
import { readClock } from '../clock.ts'
import { type End, EndChoice, endAt } from '../keys/end-choice.tsx'
import { ProblemNote } from '../ui/problem.tsx'
import { exactTime, toWireTime } from '../words/time.ts'

interface TrackCredentialProps {
  readonly org: string
  /** Another value of one that is tracked; null: a new one. */
  readonly renew: TrackedCredential | null
  readonly onClose: () => void
}

const anyPolicy = { max_lifetime: null, allow_never_expires: true }

/** A token is read where it was pasted, in this page; what is sent on are facts about it. */
export function TrackCredential({ org, renew, onClose }: TrackCredentialProps) {
  const { me } = useHere()
  const [facts, setFacts] = useState<TokenFacts | null>(null)
  const [name, setName] = useState(renew?.name ?? '')
  const [owner, setOwner] = useState(renew?.owner ?? me.email)
  const [end, setEnd] = useState<End>({ kind: 'days', days: 365 })
  const save = useChange((): Promise<Result<unknown>> => {
    const body = facts ? known(facts) : said(end)
    return renew
      ? api.call('POST /v1/organizations/{org}/tracked-credentials/{tracked_credential}/renew', {
          path: { org, tracked_credential: renew.id },
          body,
        })
      : api.call('POST /v1/organizations/{org}/tracked-credentials', {
          path: { org },
          body: { name, owner: owner.trim() || null, ...body },
        })
  }, onClose)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.run(undefined)
  }
  return (
    <Modal opened onClose={onClose} title={renew ? `A newer value of ${renew.name}` : 'Track a credential'} size="lg">
      <form onSubmit={submit}>
        <Stack>
          <PasteAndRead facts={facts} onRead={setFacts} />
          <ProblemNote problem={save.problem} />
          {!renew && (
            <>
              <TextInput
                label="Name"
                description="Whose it is and what for: Stripe, webhooks"
                required
                value={name}
                onChange={(event) => setName(event.currentTarget.value)}
                data-autofocus
              />
              <TextInput
                label="Owner"
                type="email"
                value={owner}
                onChange={(event) => setOwner(event.currentTarget.value)}
              />
            </>
          )}
          {!facts && <EndChoice label="Ends" value={end} onChange={setEnd} policy={anyPolicy} />}
          <Group>
            <Button type="submit" loading={save.pending}>
              {renew ? 'Save' : 'Track it'}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

function known({ exp, ...facts }: TokenFacts) {
  return { ...facts, ...(exp === undefined ? { never_expires: true as const } : { exp }) }
}

/** Of others' credentials the moment is told, not how long it is until then. */
function said(end: End): { expires_at?: string; never_expires?: true } {
  if (end.kind === 'never') return { never_expires: true }
  const at = endAt(end, readClock())
  return at === null ? {} : { expires_at: toWireTime(at) }
}

interface PasteAndReadProps {
  readonly facts: TokenFacts | null
  readonly onRead: (facts: TokenFacts | null) => void
}

function PasteAndRead({ facts, onRead }: PasteAndReadProps) {
  const [fault, setFault] = useState<string | null>(null)
  async function read(pasted: string) {
    setFault(null)
    if (pasted.trim() === '') return
    // Over plain http a browser gives no page the means to take a fingerprint.
    if (!('subtle' in crypto) || !globalThis.isSecureContext)
      return setFault('Open this page over https to read a token; or say when it ends.')
    const found = await readToken(pasted)
    onRead(found)
    if (!found) setFault('That is no JWT. Say when it ends instead.')
  }
  if (facts)
    return (
      <Alert color="accent" variant="light" title="Read in this page, and forgotten">
        <dl className="facts">
          <dt>Issuer</dt>
          <dd>{facts.iss ?? 'not said'}</dd>
          <dt>Subject</dt>
          <dd>{facts.sub ?? 'not said'}</dd>
          <dt>Ends</dt>
          <dd>{facts.exp === undefined ? 'never, as far as it says' : exactTime(facts.exp * 1000)}</dd>
          <dt>Fingerprint</dt>
          <dd className="mono">{facts.fingerprint.slice(0, 16)}…</dd>
        </dl>
        <Button mt="xs" variant="default" size="compact-xs" onClick={() => onRead(null)}>
          Another one
        </Button>
      </Alert>
    )
  return (
    <div>
      <Textarea
        label="Paste a token (JWT)"
        description="It is read here and is sent nowhere: only its fingerprint, issuer and end are."
        // Gone as soon as it is read: nothing of it stays in the page.
        value=""
        onChange={(event) => void read(event.currentTarget.value)}
        error={fault}
        autoComplete="off"
        spellCheck={false}
        rows={2}
      />
      <Text size="xs" className="soft" mt={4}>
        Or leave it empty, and say below when it ends.
      </Text>
    </div>
  )
}
