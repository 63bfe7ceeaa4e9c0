import type { Key, VerdictCode } from '@keyturn/contract'
import type { AnswerOf } from '@keyturn/sdk'
import { SegmentedControl, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { queries } from '../api/queries.ts'
import { type Bar, Bars } from '../ui/bars.tsx'
import { Section } from '../ui/page.tsx'
import { Reading } from '../ui/problem.tsx'
import { dayOf, parseTime, shortTime } from '../words/time.ts'
import { count, verdictWords } from '../words/words.ts'

type UsageAnswer = AnswerOf<'GET /v1/keys/{key}/usage'>
type Step = 'hour' | 'day'

/** Calls by hour or day: of the newer secret, of the older one, and those that were refused, with the reasons. */
export function Usage({ of: key }: { readonly of: Key }) {
  const [step, setStep] = useState<Step>('hour')
  const usage = useQuery({
    ...queries.usage(key.id, { step }),
    refetchInterval: key.rotating ? 5_000 : 30_000,
  })
  return (
    <Section
      title="Calls"
      lead={step === 'hour' ? 'In the last 24 hours, by hour.' : 'In the last 30 days, by day (UTC).'}
      actions={
        <SegmentedControl
          size="xs"
          aria-label="Span of the chart"
          data={[
            { value: 'hour', label: '24 hours' },
            { value: 'day', label: '30 days' },
          ]}
          value={step}
          onChange={(chosen) => setStep(chosen === 'day' ? 'day' : 'hour')}
        />
      }
    >
      <Reading of={usage}>{(answer) => <Chart of={key} answer={answer} step={step} />}</Reading>
    </Section>
  )
}

interface ChartProps {
  readonly of: Key
  readonly answer: UsageAnswer
  readonly step: Step
}

function Chart({ of: key, answer, step }: ChartProps) {
  const newest = key.secrets.toSorted((a, b) => (a.created_at < b.created_at ? 1 : -1))[0]
  const { bars, refusals, total } = readBars(answer, newest?.id, step)
  if (total === 0)
    return (
      <Text size="sm" className="soft">
        No call in this time. What was called a few seconds ago may still be on its way here.
      </Text>
    )
  const ticks = [answer.from, answer.to].map((at) => (step === 'hour' ? shortTime : dayOf)(parseTime(at)))
  return (
    <Bars label={`Calls by ${step}`} bars={bars} ticks={ticks}>
      <div className="legend">
        <span>
          <i /> {key.rotating ? 'New secret' : 'Passed'}
        </span>
        <span>
          <i data-tone="soft" /> {key.rotating ? 'Old secret' : 'Passed, with an earlier secret'}
        </span>
        <span>
          <i data-tone="bad" /> Refused
          {refusals.length > 0 && `: ${refusals.map(([code, many]) => `${verdictWords[code]} (${many})`).join(', ')}`}
        </span>
      </div>
    </Bars>
  )
}

const stepMs = { hour: 3_600_000, day: 86_400_000 } as const satisfies Record<Step, number>

function readBars(answer: UsageAnswer, newest: string | undefined, step: Step) {
  const [from, to] = [parseTime(answer.from), parseTime(answer.to)]
  const slots = new Map<number, { fresh: number; old: number; refused: number }>()
  for (let at = from; at < to; at += stepMs[step]) slots.set(at, { fresh: 0, old: 0, refused: 0 })
  const refusals = new Map<VerdictCode, number>()
  let total = 0
  for (const { at, secret_id, counts } of answer.data) {
    const slot = slots.get(parseTime(at))
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the names of a record of verdicts
    for (const [code, calls = 0] of Object.entries(counts) as [VerdictCode, number | undefined][]) {
      total += calls
      if (code !== 'VALID') refusals.set(code, (refusals.get(code) ?? 0) + calls)
      if (!slot) continue
      if (code !== 'VALID') slot.refused += calls
      else if (secret_id === newest) slot.fresh += calls
      else slot.old += calls
    }
  }
  const bars: Bar[] = [...slots].map(([at, { fresh, old, refused }]) => ({
    id: String(at),
    label: `${step === 'hour' ? shortTime(at) : dayOf(at)}: ${count(fresh + old, 'call')} passed${old > 0 ? `, ${old} of them with an older secret` : ''}${refused > 0 ? `, ${refused} refused` : ''}`,
    parts: [
      { tone: 'bad', value: refused },
      { tone: 'soft', value: old },
      { tone: 'main', value: fresh },
    ],
  }))
  return { bars, refusals: [...refusals], total }
}
