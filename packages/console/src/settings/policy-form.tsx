import type { DryRun, OrganizationPolicyEdit, Policy, ProjectPolicyEdit } from '@keyturn/contract'
import type { Result } from '@keyturn/sdk'
import {
  Alert,
  Button,
  Group,
  List,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  TagsInput,
  Text,
  TextInput,
} from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { type FormEvent, useState } from 'react'
import { useChange } from '../api/use-change.ts'
import { useOrg } from '../app/me.tsx'
import { Link } from '../ui/link.tsx'
import { ProblemNote } from '../ui/problem.tsx'
import { durationInWords } from '../words/time.ts'
import { count } from '../words/words.ts'

const day = 86_400

/** Rules that are a number of days. `none`: what an empty field says on the organization. */
const durations = [
  { field: 'default_lifetime', label: 'A key lives, unless said otherwise', none: null },
  { field: 'max_lifetime', label: 'A secret lives at most', none: 'without a limit' },
  { field: 'default_overlap', label: 'After a rotation the old secret goes on', none: null },
  { field: 'max_overlap', label: 'Such an overlap lasts at most', none: null },
  { field: 'rotate_every', label: 'A secret is to be rotated every', none: 'not wanted' },
  { field: 'review_every', label: 'A key is to be reviewed every', none: 'not wanted' },
  { field: 'idle_after', label: 'A key counts as idle after', none: 'never' },
] as const satisfies { field: keyof Policy; label: string; none: string | null }[]

const switches = [
  { field: 'allow_never_expires', label: 'Keys that never end', yes: 'allowed', no: 'not allowed' },
  { field: 'refuse_vague_names', label: 'Names that say nothing', yes: 'refused', no: 'allowed, with advice' },
] as const satisfies { field: keyof Policy; label: string; yes: string; no: string }[]

interface PolicyFormProps {
  /** What is set here: of an organization everything, of a project what it says otherwise. */
  readonly policy: Partial<Policy>
  /** For a project: what holds where it says nothing. */
  readonly inherited: Policy | null
  readonly tryOut: (policy: PolicyEdit) => Promise<Result<DryRun>>
  readonly save: (policy: PolicyEdit) => Promise<Result<unknown>>
}

export type PolicyEdit = OrganizationPolicyEdit & ProjectPolicyEdit

type Fields = Partial<Record<keyof Policy, Policy[keyof Policy] | null>>

/** The rules for keys, in days. What a change would break can be seen before it is made. */
export function PolicyForm({ policy, inherited, tryOut, save }: PolicyFormProps) {
  const [changed, setChanged] = useState<Fields>({})
  const test = useChange((edit: PolicyEdit) => tryOut(edit))
  const write = useChange(
    (edit: PolicyEdit) => save(edit),
    () => {
      setChanged({})
      test.reset()
      notifications.show({ message: 'The policy holds from now on. Keys that exist keep what they have.' })
    },
  )
  const valueOf = (field: keyof Policy) => (field in changed ? changed[field] : policy[field])
  const set = (field: keyof Policy, value: Policy[keyof Policy] | null) => {
    setChanged({ ...changed, [field]: value })
    test.reset()
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the fields of a policy with what was typed; the server checks each
  const edit = changed as PolicyEdit
  const isChanged = Object.keys(changed).length > 0
  const inheritedWords = (field: keyof Policy) =>
    inherited === null ? undefined : `As the organization: ${ruleInWords(inherited, field)}`
  const submit = (event: FormEvent) => {
    event.preventDefault()
    write.run(edit)
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
          {durations.map(({ field, label, none }) => {
            const value = valueOf(field)
            return (
              <NumberInput
                key={field}
                label={label}
                suffix=" days"
                min={field.endsWith('overlap') ? 0 : 1}
                max={36_500}
                allowDecimal
                decimalScale={2}
                placeholder={inheritedWords(field) ?? none ?? ''}
                value={typeof value === 'number' ? value / day : ''}
                onChange={(days) => set(field, typeof days === 'number' ? Math.round(days * day) : null)}
              />
            )
          })}
          <NumberInput
            label="Active keys in a project, at most"
            min={1}
            max={10_000_000}
            thousandSeparator
            placeholder={inheritedWords('max_active_keys') ?? ''}
            value={typeof valueOf('max_active_keys') === 'number' ? Number(valueOf('max_active_keys')) : ''}
            onChange={(most) => set('max_active_keys', typeof most === 'number' ? most : null)}
          />
          <TagsInput
            label="Reminders, days before the end"
            placeholder={inheritedWords('reminder_thresholds') ?? ''}
            value={daysOf(valueOf('reminder_thresholds'))}
            onChange={(texts) => set('reminder_thresholds', thresholdsOf(texts, inherited !== null))}
          />
          {switches.map(({ field, label, yes, no }) => (
            <Select
              key={field}
              label={label}
              clearable={inherited !== null}
              allowDeselect={inherited !== null}
              placeholder={inheritedWords(field) ?? ''}
              data={[
                { value: 'true', label: yes },
                { value: 'false', label: no },
              ]}
              value={typeof valueOf(field) === 'boolean' ? String(valueOf(field)) : null}
              onChange={(chosen) => set(field, chosen === null ? null : chosen === 'true')}
            />
          ))}
          <TextInput
            label="Names must match (a regular expression)"
            placeholder={inheritedWords('name_pattern') ?? 'any'}
            value={String(valueOf('name_pattern') ?? '')}
            onChange={(event) => set('name_pattern', event.currentTarget.value || null)}
          />
        </SimpleGrid>
        <ProblemNote problem={write.problem ?? test.problem} />
        {test.value && <Broken of={test.value} />}
        <Group>
          <Button variant="default" disabled={!isChanged} loading={test.pending} onClick={() => test.run(edit)}>
            Try it out
          </Button>
          <Button type="submit" disabled={!isChanged} loading={write.pending}>
            Save the policy
          </Button>
          {isChanged && (
            <Button variant="subtle" onClick={() => (setChanged({}), test.reset())}>
              Undo
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  )
}

const daysOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.map((seconds) => String(Number(seconds) / day)) : []

function thresholdsOf(texts: readonly string[], mayInherit: boolean): number[] | null {
  const seconds = texts.map((text) => Math.round(Number(text) * day)).filter((one) => Number.isFinite(one) && one > 0)
  return seconds.length === 0 && mayInherit ? null : seconds.toSorted((a, b) => b - a)
}

function ruleInWords(policy: Policy, field: keyof Policy): string {
  const value = policy[field]
  if (value === null) return 'none'
  if (typeof value === 'boolean') return switches.find((one) => one.field === field)?.[value ? 'yes' : 'no'] ?? ''
  if (Array.isArray(value)) return daysOf(value).join(', ')
  if (typeof value === 'string') return value
  return field === 'max_active_keys' ? value.toLocaleString() : durationInWords(value)
}

function Broken({ of: { data, counts } }: { readonly of: DryRun }) {
  const org = useOrg()
  const keys = counts?.keys ?? data.length
  const over = counts?.projects_over_limit ?? []
  if (keys === 0 && over.length === 0)
    return (
      <Alert color="green" variant="light" title="Nothing is at odds with it" role="status">
        Every key that there is could be made just so again.
      </Alert>
    )
  return (
    <Alert
      color="yellow"
      variant="light"
      role="status"
      title={`${count(keys, 'key')}, of which ${(counts?.in_use ?? 0).toLocaleString()} in use, could not be made so again`}
    >
      <Text size="sm">None of them is refused or changed by the new rules.</Text>
      <List size="sm" mt={6}>
        {data.slice(0, 10).map(({ key_id, name, rules, in_use }) => (
          <List.Item key={key_id}>
            <Link underline="always" to="/$org/keys/$key" params={{ org, key: key_id }}>
              {name}
            </Link>
            : {rules.map((rule) => rule.replaceAll('_', ' ')).join(', ')}
            {in_use && ', in use'}
          </List.Item>
        ))}
      </List>
      {over.map(({ project_id, active_keys, max_active_keys }) => (
        <Text key={project_id} size="sm">
          A project has {active_keys.toLocaleString()} active keys already; with {max_active_keys.toLocaleString()}{' '}
          allowed none could be added.
        </Text>
      ))}
    </Alert>
  )
}
