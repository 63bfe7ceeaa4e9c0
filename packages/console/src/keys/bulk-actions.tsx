import type { Key } from '@keyturn/contract'
import type { CallProblem, Result } from '@keyturn/sdk'
import { Alert, Button, Group, List, Modal, Progress, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { api } from '../api/api.ts'
import { useMay, useMissingRight } from '../app/me.tsx'
import { count } from '../words/words.ts'
import { type End, EndChoice, endForWire } from './end-choice.tsx'
import { isExtensible } from './extensible.ts'
import { targetOf } from './target.ts'

type BulkAct = 'extend' | 'hand over' | 'revoke'

interface BulkActionsProps {
  readonly keys: readonly Key[]
  readonly onDone: () => void
}

/** The same for several keys, one call after the other, so that each has its own answer. */
export function BulkActions({ keys, onDone }: BulkActionsProps) {
  const may = useMay()
  const missing = useMissingRight()
  const [act, setAct] = useState<{ what: BulkAct; keys: readonly Key[] } | null>(null)
  const mayChange = keys.every((key) => may('keys:change', targetOf(key)))
  const mayEdit = keys.every((key) => may('keys:edit', targetOf(key)))
  const begin = (what: BulkAct) => setAct({ what, keys })
  return (
    <>
      {keys.length > 0 && (
        <Group
          gap="xs"
          p="sm"
          style={{ borderBottom: '1px solid var(--keyturn-line)' }}
          role="group"
          aria-label="Selected keys"
        >
          <Text size="sm" fw={600}>
            {count(keys.length, 'key')} selected
          </Text>
          {mayChange ? (
            <>
              {keys.every(isExtensible) ? (
                <Button variant="default" size="compact-sm" onClick={() => begin('extend')}>
                  Extend
                </Button>
              ) : (
                <Text size="sm" className="soft">
                  JWT keys among them are rotated, not extended.
                </Text>
              )}
              <Button variant="default" size="compact-sm" color="red" onClick={() => begin('revoke')}>
                Revoke
              </Button>
            </>
          ) : (
            <Text size="sm" className="soft">
              {missing('keys:change', 'Extending and revoking')}
            </Text>
          )}
          {mayEdit && (
            <Button variant="default" size="compact-sm" onClick={() => begin('hand over')}>
              Hand over
            </Button>
          )}
          <Button variant="subtle" size="compact-sm" onClick={onDone}>
            Select none
          </Button>
        </Group>
      )}
      {act && <BulkDialog what={act.what} keys={act.keys} onClose={() => (setAct(null), onDone())} />}
    </>
  )
}

const titles = {
  extend: 'Extend',
  'hand over': 'Hand over',
  revoke: 'Revoke',
} as const satisfies Record<BulkAct, string>

interface BulkDialogProps {
  readonly what: BulkAct
  readonly keys: readonly Key[]
  readonly onClose: () => void
}

function BulkDialog({ what, keys, onClose }: BulkDialogProps) {
  const queries = useQueryClient()
  const [end, setEnd] = useState<End>({ kind: 'days', days: 90 })
  const [text, setText] = useState('')
  const [answers, setAnswers] = useState<{ key: Key; problem: CallProblem | null }[]>([])
  const [running, setRunning] = useState(false)

  const one = (key: Key): Promise<Result<unknown>> => {
    const path = { key: key.id }
    if (what === 'revoke') return api.call('POST /v1/keys/{key}/revoke', { path, body: { reason: text } })
    if (what === 'hand over') return api.call('PATCH /v1/keys/{key}', { path, body: { owner: text.trim() } })
    const { never_expires: _, ...wanted } = endForWire(end)
    return api.call('POST /v1/keys/{key}/extend', { path, body: wanted })
  }
  async function run(event: FormEvent) {
    event.preventDefault()
    setRunning(true)
    const done: typeof answers = []
    for (const key of keys) {
      const answer = await one(key)
      done.push({ key, problem: answer.ok ? null : answer.problem })
      setAnswers([...done])
    }
    setRunning(false)
    void queries.invalidateQueries()
  }
  const refused = answers.filter(({ problem }) => problem !== null)
  const isOver = answers.length === keys.length
  return (
    <Modal
      opened
      onClose={running ? () => {} : onClose}
      title={`${titles[what]} ${count(keys.length, 'key')}`}
      size="lg"
    >
      <form onSubmit={(event) => void run(event)}>
        <Stack>
          <Text size="sm" className="soft">
            {keys.map(({ name }) => name).join(' · ')}
          </Text>
          {answers.length > 0 && <Progress value={(100 * answers.length) / keys.length} aria-label="Progress" />}
          {isOver && (
            <Alert color={refused.length === 0 ? 'green' : 'yellow'} variant="light" role="status">
              {count(keys.length - refused.length, 'key')} done.
              {refused.length > 0 && (
                <List size="sm" mt={4}>
                  {refused.map(({ key, problem }) => (
                    <List.Item key={key.id}>
                      {key.name}: {problem?.detail}
                    </List.Item>
                  ))}
                </List>
              )}
            </Alert>
          )}
          {!isOver && what === 'extend' && (
            <EndChoice
              label="Until"
              value={end}
              onChange={setEnd}
              policy={{ max_lifetime: null, allow_never_expires: false }}
              offerNever={false}
            />
          )}
          {!isOver && what === 'hand over' && (
            <TextInput
              label="New owner"
              type="email"
              required
              value={text}
              onChange={(event) => setText(event.currentTarget.value)}
              description="Whoever owned them may still know their values: rotate them once the new owner has taken over."
              data-autofocus
            />
          )}
          {!isOver && what === 'revoke' && (
            <Textarea
              label="Reason"
              required
              description="For ever. Calls with these keys are refused from then on."
              value={text}
              onChange={(event) => setText(event.currentTarget.value)}
              data-autofocus
            />
          )}
          <Group>
            {isOver ? (
              <Button onClick={onClose}>Close</Button>
            ) : (
              <Button type="submit" loading={running} {...(what === 'revoke' && { color: 'red' })}>
                {titles[what]} {count(keys.length, 'key')}
              </Button>
            )}
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
