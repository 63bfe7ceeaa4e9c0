import { isVague, type Key, type KeyCreate, keyKinds, type Project } from '@keyturn/contract'
import type { IssuedKey } from '@keyturn/sdk'
import {
  Accordion,
  Alert,
  Button,
  Drawer,
  Group,
  Radio,
  SegmentedControl,
  Select,
  Stack,
  TagsInput,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { api } from '../api/api.ts'
import { useIdempotencyKey } from '../api/idempotency-key.ts'
import { queries } from '../api/queries.ts'
import { useChange } from '../api/use-change.ts'
import { useHere, useOrg } from '../app/me.tsx'
import { ProblemNote } from '../ui/problem.tsx'
import { kindWords } from '../words/words.ts'
import { ComingList, RemindersForNewKey } from './coming-reminders.tsx'
import { type End, EndChoice, endForWire } from './end-choice.tsx'
import { LimitFields } from './limit-fields.tsx'
import { limitsForWire, limitsOf, type TypedLimits } from './limits-typed.ts'
import { SecretShown } from './secret-shown.tsx'
import { VerifyKey } from './verify-key.tsx'

interface NewKeyProps {
  readonly projects: readonly Project[]
  readonly project: string | undefined
  /** To begin with what this one has. */
  readonly like: Key | undefined
  readonly onClose: () => void
}

/** A drawer: a form of which only the name is required, then the value, once. */
export function NewKey({ projects, project, like, onClose }: NewKeyProps) {
  const [issued, setIssued] = useState<IssuedKey | null>(null)
  const [again, setAgain] = useState(0)
  return (
    <Drawer
      opened
      onClose={issued ? () => {} : onClose}
      withCloseButton={!issued}
      closeOnEscape={!issued}
      closeOnClickOutside={false}
      position="right"
      size="lg"
      title={issued ? `${issued.key.name} is ready` : like ? `New key, like ${like.name}` : 'New key'}
    >
      {issued ? (
        <SecretShown
          name={issued.key.name}
          kind={issued.key.kind}
          secret={issued.secret}
          more={<AfterIssue issued={issued} onSimilar={() => (setIssued(null), setAgain(again + 1))} />}
          onDone={onClose}
        />
      ) : (
        <NewKeyForm key={again} projects={projects} project={project} like={like} onIssued={setIssued} />
      )}
    </Drawer>
  )
}

function AfterIssue({ issued, onSimilar }: { readonly issued: IssuedKey; readonly onSimilar: () => void }) {
  return (
    <Stack gap="sm">
      {issued.key.warnings.map(({ code, detail }) => (
        <Alert key={code} color="yellow" variant="light">
          {detail}
        </Alert>
      ))}
      <VerifyKey />
      <div>
        <Text size="sm" fw={600}>
          Reminders to come
        </Text>
        <ComingList of={issued.reminders} />
      </div>
      <Button variant="subtle" size="compact-sm" onClick={onSimilar} style={{ alignSelf: 'flex-start' }}>
        I have saved it; another one like it
      </Button>
    </Stack>
  )
}

interface NewKeyFormProps extends Pick<NewKeyProps, 'projects' | 'project' | 'like'> {
  readonly onIssued: (issued: IssuedKey) => void
}

function NewKeyForm({ projects, project, like, onIssued }: NewKeyFormProps) {
  const { me } = useHere()
  const [into, setInto] = useState<string | null>(like?.project_id ?? project ?? projects[0]?.id ?? null)
  const policy = (projects.find(({ id, slug }) => id === into || slug === into) ?? projects[0])?.policy
  const [form, setForm] = useState(() => ({
    name: '',
    kind: like?.kind ?? 'secret',
    environment: like?.environment ?? 'live',
    purpose: like?.purpose ?? '',
    owner: like?.owner ?? me.email,
    contact: like?.contact ?? '',
    scopes: like?.scopes ?? [],
    allowed_ips: like?.allowed_ips ?? [],
    limits: limitsOf(like ?? { rate_limit: null, quota: null }),
  }))
  const defaultDays = Math.round((policy?.default_lifetime ?? 31_536_000) / 86_400)
  const usualEnd: End = { kind: 'days', days: [30, 90, 365].includes(defaultDays) ? defaultDays : 90 }
  const [end, setEnd] = useState<End>(usualEnd)
  const idempotencyKey = useIdempotencyKey()
  const set = <N extends keyof typeof form>(name: N, value: (typeof form)[N]) => setForm({ ...form, [name]: value })
  const chooseKind = (kind: Key['kind']) => {
    set('kind', kind)
    // A token has its end in it.
    if (kind === 'jwt' && end.kind === 'never') setEnd(usualEnd)
  }
  const create = useChange(
    () =>
      api.call('POST /v1/projects/{project}/keys', {
        path: { project: into ?? '' },
        body: bodyOf(form, end),
        idempotencyKey: idempotencyKey([into, form, end]),
      }),
    onIssued,
  )
  const fault = (path: string) => create.problem?.errors.find((one) => one.path.startsWith(path))?.detail
  const submit = (event: FormEvent) => {
    event.preventDefault()
    create.run(undefined)
  }
  if (!policy) return <Text size="sm">There is no project to put it into. Make one in the settings first.</Text>
  return (
    <form onSubmit={submit}>
      <Stack>
        <ProblemNote problem={create.problem} />
        {projects.length > 1 && (
          <Select
            label="Project"
            searchable
            limit={100}
            data={projects.map(({ id, name }) => ({ value: id, label: name }))}
            value={into}
            onChange={setInto}
            allowDeselect={false}
          />
        )}
        <TextInput
          label="Name"
          description="Who calls, and from where: Zapier, production"
          value={form.name}
          onChange={(event) => set('name', event.currentTarget.value)}
          error={fault('name')}
          required
          maxLength={200}
          data-autofocus
        />
        <NameAdvice name={form.name} pattern={policy.name_pattern} />
        <EndChoice
          label="Ends"
          value={end}
          onChange={setEnd}
          policy={policy}
          offerNever={form.kind !== 'jwt'}
          error={fault('expires')}
        />
        <RemindersForNewKey end={end} policy={policy} owner={form.owner} contact={form.contact} />
        <TextInput
          label="Owner"
          description="The person who looks after it, and hears of its end."
          type="email"
          value={form.owner}
          onChange={(event) => set('owner', event.currentTarget.value)}
          error={fault('owner')}
        />
        <TextInput
          label="Contact"
          description="The mailbox of a team, for when that person is away."
          type="email"
          value={form.contact}
          onChange={(event) => set('contact', event.currentTarget.value)}
          error={fault('contact')}
        />
        <Radio.Group label="Kind" value={form.kind} onChange={(kind) => chooseKind(kind)}>
          <Stack gap={8} mt={6}>
            {keyKinds.map((kind) => (
              <Radio key={kind} value={kind} label={kindWords[kind].name} description={kindWords[kind].about} />
            ))}
          </Stack>
        </Radio.Group>
        <div>
          <Text size="sm" fw={500} mb={4}>
            Environment
          </Text>
          <SegmentedControl
            aria-label="Environment"
            data={[
              { value: 'live', label: 'Live' },
              { value: 'test', label: 'Test' },
            ]}
            value={form.environment}
            onChange={(environment) => set('environment', environment === 'test' ? 'test' : 'live')}
          />
        </div>
        <Accordion multiple variant="contained" chevronPosition="left">
          <Accordion.Item value="more">
            <Accordion.Control>Purpose, scopes, addresses</Accordion.Control>
            <Accordion.Panel>
              <Stack>
                <Textarea
                  label="Purpose"
                  value={form.purpose}
                  onChange={(event) => set('purpose', event.currentTarget.value)}
                  error={fault('purpose')}
                  autosize
                  minRows={2}
                />
                <TagsInput
                  label="Scopes"
                  description="What it may do, in the words of your product: orders:read"
                  value={form.scopes}
                  onChange={(scopes) => set('scopes', scopes)}
                  error={fault('scopes')}
                />
                <TagsInput
                  label="Allowed addresses"
                  description="Addresses or networks; none: from everywhere"
                  value={form.allowed_ips}
                  onChange={(ips) => set('allowed_ips', ips)}
                  error={fault('allowed_ips')}
                />
              </Stack>
            </Accordion.Panel>
          </Accordion.Item>
          <Accordion.Item value="limits">
            <Accordion.Control>Rate limit, quota</Accordion.Control>
            <Accordion.Panel>
              <LimitFields value={form.limits} onChange={(limits) => set('limits', limits)} fault={fault} />
            </Accordion.Panel>
          </Accordion.Item>
        </Accordion>
        {form.kind === 'jwt' && (
          <Text size="xs" className="soft">
            Whoever verifies offline knows neither allowed addresses nor limits: they are for those who ask.
          </Text>
        )}
        <Group>
          <Button type="submit" loading={create.pending}>
            Create the key
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

interface Typed {
  readonly name: string
  readonly kind: Key['kind']
  readonly environment: Key['environment']
  readonly purpose: string
  readonly owner: string
  readonly contact: string
  readonly scopes: readonly string[]
  readonly allowed_ips: readonly string[]
  readonly limits: TypedLimits
}

function bodyOf(form: Typed, end: End): Partial<KeyCreate> & { name: string } {
  const { purpose, owner, contact } = form
  const { rate_limit, quota } = limitsForWire(form.limits)
  return {
    name: form.name,
    kind: form.kind,
    environment: form.environment,
    ...(purpose.trim() !== '' && { purpose }),
    ...(owner.trim() !== '' && { owner: owner.trim() }),
    ...(contact.trim() !== '' && { contact: contact.trim() }),
    ...(form.scopes.length > 0 && { scopes: [...form.scopes] }),
    ...(form.allowed_ips.length > 0 && { allowed_ips: [...form.allowed_ips] }),
    ...(rate_limit && { rate_limit }),
    ...(quota && { quota }),
    ...endForWire(end),
  }
}

function NameAdvice({ name, pattern }: { readonly name: string; readonly pattern: string | null }) {
  const org = useOrg()
  const [settled] = useDebouncedValue(name.trim(), 300)
  const found = useQuery({ ...queries.keys(org, undefined, { q: settled, limit: 20 }), enabled: settled.length > 2 })
  const twin = settled.length > 2 && found.data?.data.find((one) => one.name.toLowerCase() === settled.toLowerCase())
  const advice = [
    settled !== '' &&
      isVague(settled) &&
      'That says little to whoever reads it in a year: name who calls, and from where.',
    twin && 'There is a key of that name already. Two that sound alike are mixed up sooner or later.',
    pattern !== null && `The policy wants names of the form ${pattern}.`,
  ].filter((one) => typeof one === 'string')
  if (advice.length === 0) return null
  return (
    <Text size="xs" mt={-8} className="dot" data-tone="warn" style={{ whiteSpace: 'normal' }} aria-live="polite">
      {advice.join(' ')}
    </Text>
  )
}
