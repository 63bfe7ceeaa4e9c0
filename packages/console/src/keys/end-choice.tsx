import type { Policy } from '@keyturn/contract'
import { Chip, Group, Input, Text, TextInput } from '@mantine/core'
import { useId } from 'react'
import { useNow } from '../clock.ts'
import { dateInputOf, dayMs, durationInWords, endOfDay, longDayOf, toWireTime } from '../words/time.ts'

/** When something is to end: in so many days, at the end of a day, never, or as the policy says. */
export type End =
  | { readonly kind: 'days'; readonly days: number }
  | { readonly kind: 'date'; readonly date: string }
  | { readonly kind: 'never' }

export const endAt = (end: End, now: number): number | null =>
  end.kind === 'days' ? now + end.days * dayMs : end.kind === 'date' ? endOfDay(end.date) : null

/** As the API takes it. */
export function endForWire(end: End): { expires_in?: number; expires_at?: string; never_expires?: true } {
  if (end.kind === 'never') return { never_expires: true }
  if (end.kind === 'days') return { expires_in: end.days * 86_400 }
  const at = endOfDay(end.date)
  return at === null ? {} : { expires_at: toWireTime(at) }
}

const spans = [
  { days: 30, words: '30 days' },
  { days: 90, words: '90 days' },
  { days: 365, words: '1 year' },
]

interface EndChoiceProps {
  readonly label: string
  readonly value: End
  readonly onChange: (end: End) => void
  readonly policy: Pick<Policy, 'max_lifetime' | 'allow_never_expires'>
  readonly offerNever?: boolean
  readonly error?: string | undefined
}

export function EndChoice({ label, value, onChange, policy, offerNever = true, error }: EndChoiceProps) {
  const now = useNow()
  const name = useId()
  const longest = policy.max_lifetime
  const fits = (days: number) => longest === null || days * 86_400 <= longest
  const at = endAt(value, now)
  const chosen = value.kind === 'days' ? String(value.days) : value.kind
  const choose = (choice: string) => {
    if (choice === 'never') onChange({ kind: 'never' })
    else if (choice === 'date') onChange({ kind: 'date', date: dateInputOf(now + 60 * dayMs) })
    else onChange({ kind: 'days', days: Number(choice) })
  }
  return (
    <Input.Wrapper label={label} error={error} labelElement="div" id={name}>
      <Chip.Group value={chosen} onChange={(choice) => typeof choice === 'string' && choose(choice)}>
        <Group gap={6} mt={6} role="radiogroup" aria-label={label}>
          {spans
            .filter(({ days }) => fits(days))
            .map(({ days, words }) => (
              <Chip key={days} value={String(days)} size="xs">
                {words}
              </Chip>
            ))}
          <Chip value="date" size="xs">
            A day
          </Chip>
          {offerNever && policy.allow_never_expires && (
            <Chip value="never" size="xs">
              Never
            </Chip>
          )}
        </Group>
      </Chip.Group>
      {value.kind === 'date' && (
        <TextInput
          type="date"
          mt="xs"
          maw="12rem"
          aria-label="Last day"
          min={dateInputOf(now)}
          {...(longest !== null && { max: dateInputOf(now + longest * 1000) })}
          value={value.date}
          onChange={(event) => onChange({ kind: 'date', date: event.currentTarget.value })}
        />
      )}
      <Text size="xs" className="soft" mt={6} aria-live="polite">
        {value.kind === 'never'
          ? 'It never ends by itself.'
          : at === null
            ? 'Choose a day.'
            : `Until ${longDayOf(at)}.`}
        {longest !== null && ` The policy allows at most ${durationInWords(longest)}.`}
      </Text>
    </Input.Wrapper>
  )
}
