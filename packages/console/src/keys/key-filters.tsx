import { type KeyStatus, keyKinds, keyStatuses, type Project } from '@keyturn/contract'
import { Button, Chip, Group, Select, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useEffect, useState } from 'react'
import { useHere } from '../app/me.tsx'
import { IconSearch } from '../ui/icons.tsx'
import { kindWords, statusWords } from '../words/words.ts'
import type { KeySearch } from './key-search.ts'

interface KeyFiltersProps {
  readonly search: KeySearch
  /** Of all keys, whatever the filters. */
  readonly counts: Readonly<Record<KeyStatus, number | string>> | undefined
  readonly projects: readonly Project[]
  readonly onChange: (change: Partial<Record<keyof KeySearch, string | undefined>>) => void
  readonly onClear: () => void
}

const shownStatuses: readonly string[] = ['active', 'disabled', 'expired']

export function KeyFilters({ search, counts, projects, onChange, onClear }: KeyFiltersProps) {
  const { me } = useHere()
  const chosen = search.status?.split(',') ?? shownStatuses
  const setStatuses = (statuses: readonly string[]) => {
    const isUsual = statuses.length === 0 || (statuses.length === 3 && !statuses.includes('revoked'))
    onChange({ status: isUsual ? undefined : keyStatuses.filter((one) => statuses.includes(one)).join(',') })
  }
  const isFiltered = Object.entries(search).some(([name, value]) => value && !['sort', 'cursor', 'new'].includes(name))
  return (
    <Group gap="xs" p="sm" align="center">
      <SearchField value={search.q ?? ''} onChange={(q) => onChange({ q })} />
      {projects.length > 1 && (
        <Select
          aria-label="Project"
          placeholder="All projects"
          searchable
          limit={100}
          clearable
          w="11rem"
          data={projects.map(({ id, name }) => ({ value: id, label: name }))}
          value={projects.find(({ id, slug }) => [id, slug].includes(search.project ?? ''))?.id ?? null}
          onChange={(project) => onChange({ project: project ?? undefined })}
        />
      )}
      <Chip.Group multiple value={[...chosen]} onChange={setStatuses}>
        <Group gap={4} role="group" aria-label="Status">
          {keyStatuses.map((status) => (
            <Chip key={status} value={status} size="xs" variant="outline">
              {statusWords[status]} {counts ? counts[status].toLocaleString() : ''}
            </Chip>
          ))}
        </Group>
      </Chip.Group>
      <Select
        aria-label="Kind"
        placeholder="Any kind"
        clearable
        w="8.5rem"
        data={keyKinds.map((kind) => ({ value: kind, label: kindWords[kind].name }))}
        value={search.kind ?? null}
        onChange={(kind) => onChange({ kind: kind ?? undefined })}
      />
      <Select
        aria-label="Ends"
        placeholder="Ends at any time"
        clearable
        w="11rem"
        data={[
          { value: '7d', label: 'Ends within 7 days' },
          { value: '14d', label: 'Ends within 14 days' },
          { value: '30d', label: 'Ends within 30 days' },
          { value: '90d', label: 'Ends within 90 days' },
        ]}
        value={search.expires_before ?? null}
        onChange={(expires_before) => onChange({ expires_before: expires_before ?? undefined })}
      />
      <Select
        aria-label="Used"
        placeholder="Used or not"
        clearable
        w="12.5rem"
        data={[
          { value: 'unused:30d', label: 'Not used for 30 days' },
          { value: 'unused:90d', label: 'Not used for 90 days' },
          { value: 'refused:30d', label: 'Called with an old secret' },
        ]}
        value={
          search.unused_since
            ? `unused:${search.unused_since}`
            : search.refused_since
              ? `refused:${search.refused_since}`
              : null
        }
        onChange={(used) => {
          const [what, since] = (used ?? '').split(':')
          onChange({
            unused_since: what === 'unused' ? since : undefined,
            refused_since: what === 'refused' ? since : undefined,
          })
        }}
      />
      <Chip
        size="xs"
        variant="outline"
        checked={search.owner === me.email}
        onChange={(mine) => onChange({ owner: mine ? me.email : undefined })}
      >
        Mine
      </Chip>
      {search.owner !== undefined && search.owner !== me.email && (
        <Chip size="xs" variant="outline" checked onChange={() => onChange({ owner: undefined })}>
          Owner: {search.owner}
        </Chip>
      )}
      {isFiltered && (
        <Button variant="subtle" size="compact-sm" onClick={onClear}>
          Clear
        </Button>
      )}
    </Group>
  )
}

/** What is typed is looked for a moment after the last letter. */
function SearchField({
  value,
  onChange,
}: {
  readonly value: string
  readonly onChange: (q: string | undefined) => void
}) {
  const [typed, setTyped] = useState(value)
  const settle = useDebouncedCallback((q: string) => onChange(q.trim() || undefined), 250)
  useEffect(() => setTyped(value), [value])
  return (
    <TextInput
      type="search"
      aria-label="Search"
      placeholder="Name, purpose, owner, id, value"
      leftSection={<IconSearch size={16} />}
      style={{ flex: '1 1 14rem' }}
      value={typed}
      onChange={(event) => {
        setTyped(event.currentTarget.value)
        settle(event.currentTarget.value)
      }}
    />
  )
}
