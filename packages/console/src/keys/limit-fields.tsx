import { ActionIcon, Button, Fieldset, Group, NumberInput, Radio, Select, Stack, Text } from '@mantine/core'
import { IconCross } from '../ui/icons.tsx'
import { outageWords, rangeInWords, refillWords, windowLengthInWords, windowUnits } from '../words/limits.ts'
import type { TypedLimits, TypedWindow } from './limits-typed.ts'

const mostWindows = 5

interface LimitFieldsProps {
  readonly value: TypedLimits
  readonly onChange: (limits: TypedLimits) => void
  /** What the API says of a field, by its path: `rate_limit.windows.0.limit`. */
  readonly fault: (path: string) => string | undefined
}

/** How many calls a key may make: windows that hold all at once, and a quota. */
export function LimitFields({ value, onChange, fault }: LimitFieldsProps) {
  const { windows, quota } = value
  const setWindows = (changed: readonly TypedWindow[]) => onChange({ ...value, windows: changed })
  const setQuota = (changed: Partial<NonNullable<TypedLimits['quota']>>) =>
    quota && onChange({ ...value, quota: { ...quota, ...changed } })
  const add = () => {
    const taken = new Set(windows.map(({ unit }) => unit))
    const unit = (['minute', 'day', 'hour', 'second'] as const).find((one) => !taken.has(one)) ?? 'minute'
    setWindows([...windows, { limit: 100, length: 1, unit }])
  }
  // Of the windows together, as two of one length; what is about one of them stands at it.
  const together = fault('rate_limit.windows')
  const isOfOne = windows.some((_, place) => fault(`rate_limit.windows.${place}`) !== undefined)
  return (
    <Stack gap="sm">
      <Fieldset legend="Rate limit" p="sm">
        <Stack gap="xs" align="flex-start">
          <Text size="xs" className="soft">
            Keeps one caller from taking everything at once. Several hold at the same time, as 10 a second and 1,000 a
            day.
          </Text>
          {windows.map((window, place) => (
            <WindowFields
              // biome-ignore lint/suspicious/noArrayIndexKey: its place is what tells one from another, as in the API
              key={place}
              number={place + 1}
              value={window}
              onChange={(changed) => setWindows(windows.map((one, at) => (at === place ? changed : one)))}
              onRemove={() => setWindows(windows.filter((_, at) => at !== place))}
              limitFault={fault(`rate_limit.windows.${place}.limit`)}
              lengthFault={fault(`rate_limit.windows.${place}.window_seconds`)}
            />
          ))}
          {together !== undefined && !isOfOne && (
            <Text size="xs" c="var(--mantine-color-error)">
              {together}
            </Text>
          )}
          {windows.length < mostWindows && (
            <Button variant="default" size="compact-sm" onClick={add}>
              {windows.length === 0 ? 'Add a rate limit' : 'Add another window'}
            </Button>
          )}
        </Stack>
      </Fieldset>
      <Fieldset legend="Quota" p="sm">
        <Stack gap="xs" align="flex-start">
          <Text size="xs" className="soft">
            What somebody has paid for: so many calls, on however many nodes.
          </Text>
          {quota ? (
            <>
              <Group gap="xs" align="flex-start">
                <NumberInput
                  label="Calls"
                  w="8rem"
                  {...wholeNumber}
                  value={quota.limit}
                  onChange={(limit) => setQuota({ limit })}
                  error={rangeInWords(fault('quota.limit'), inDigits)}
                />
                <Select
                  label="Refilled"
                  w="11rem"
                  data={(['daily', 'monthly'] as const).map((refill) => ({
                    value: refill,
                    label: refillWords[refill],
                  }))}
                  value={quota.refill}
                  onChange={(refill) => setQuota({ refill: refill === 'daily' ? 'daily' : 'monthly' })}
                  allowDeselect={false}
                  error={fault('quota.refill')}
                />
              </Group>
              <Radio.Group
                label="While the database is away, once a node has none left at hand"
                value={quota.on_outage}
                onChange={(on_outage) => setQuota({ on_outage })}
                error={fault('quota.on_outage')}
              >
                <Stack gap={6} mt={6}>
                  {(['allow', 'refuse'] as const).map((choice) => (
                    <Radio key={choice} value={choice} label={outageWords[choice]} />
                  ))}
                </Stack>
              </Radio.Group>
              <Button variant="subtle" size="compact-sm" onClick={() => onChange({ ...value, quota: null })}>
                Take the quota away
              </Button>
            </>
          ) : (
            <Button
              variant="default"
              size="compact-sm"
              onClick={() => onChange({ ...value, quota: { limit: 10_000, refill: 'monthly', on_outage: 'allow' } })}
            >
              Add a quota
            </Button>
          )}
        </Stack>
      </Fieldset>
    </Stack>
  )
}

/** What does not fit is said by the API, and not put right unseen. */
const wholeNumber = {
  min: 1,
  allowDecimal: false,
  allowNegative: false,
  clampBehavior: 'none',
  thousandSeparator: ' ',
  hideControls: true,
} as const

const inDigits = (number: number) => number.toLocaleString()

interface WindowFieldsProps {
  readonly number: number
  readonly value: TypedWindow
  readonly onChange: (window: TypedWindow) => void
  readonly onRemove: () => void
  readonly limitFault: string | undefined
  readonly lengthFault: string | undefined
}

function WindowFields({ number, value, onChange, onRemove, limitFault, lengthFault }: WindowFieldsProps) {
  return (
    <Group gap="xs" align="flex-start" role="group" aria-label={`Window ${number}`}>
      <NumberInput
        label="Calls"
        w="7.5rem"
        {...wholeNumber}
        value={value.limit}
        onChange={(limit) => onChange({ ...value, limit })}
        error={rangeInWords(limitFault, inDigits)}
      />
      {/* On a narrow screen they stay together. */}
      <Group gap="xs" align="flex-start" wrap="nowrap">
        <NumberInput
          label="Window"
          w="5rem"
          {...wholeNumber}
          value={value.length}
          onChange={(length) => onChange({ ...value, length })}
          error={rangeInWords(lengthFault, windowLengthInWords)}
        />
        <Select
          label="Unit"
          w="7rem"
          data={windowUnits.map(({ unit }) => ({ value: unit, label: `${unit}s` }))}
          value={value.unit}
          onChange={(unit) =>
            onChange({ ...value, unit: windowUnits.find((one) => one.unit === unit)?.unit ?? 'minute' })
          }
          allowDeselect={false}
        />
        <ActionIcon
          variant="subtle"
          color="gray"
          size={36}
          mt="1.55rem"
          onClick={onRemove}
          aria-label={`Take window ${number} away`}
        >
          <IconCross size={16} />
        </ActionIcon>
      </Group>
    </Group>
  )
}
