import type { Key } from '@keyturn/contract'
import type { AnswerOf } from '@keyturn/sdk'
import { Progress, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { queries } from '../api/queries.ts'
import { Section } from '../ui/page.tsx'
import { Reading } from '../ui/problem.tsx'
import { Exact, When } from '../ui/when.tsx'
import { outageWords, refillWords, windowInWords } from '../words/limits.ts'
import { count } from '../words/words.ts'

type QuotaState = NonNullable<AnswerOf<'GET /v1/keys/{key}/usage'>['quota']>

/** How many calls it may make, and what of the quota is gone. */
export function Limits({ of: key }: { readonly of: Key }) {
  if (key.rate_limit === null && key.quota === null) return null
  return (
    <Section title="Limits" lead="Charged by verify and authorize, for calls that nothing else refuses.">
      <dl className="facts">
        {key.rate_limit !== null && (
          <>
            <dt>Rate limit</dt>
            <dd>
              {key.rate_limit.windows.map((window) => (
                <div key={window.window_seconds}>{windowInWords(window)}</div>
              ))}
              {key.rate_limit.windows.length > 1 && <span className="soft">They hold all at once.</span>}
            </dd>
          </>
        )}
        {key.quota !== null && (
          <>
            <dt>Quota</dt>
            <dd>
              {count(key.quota.limit, 'call')} {refillWords[key.quota.refill]}
              <QuotaDrawn keyId={key.id} />
            </dd>
            <dt>While the database is away</dt>
            <dd>{outageWords[key.quota.on_outage]}</dd>
          </>
        )}
      </dl>
    </Section>
  )
}

function QuotaDrawn({ keyId }: { readonly keyId: string }) {
  // What the chart of calls asks for, too.
  const usage = useQuery({ ...queries.usage(keyId, { step: 'hour' }), refetchInterval: 30_000 })
  return <Reading of={usage}>{({ quota }) => quota && <Drawn of={quota} />}</Reading>
}

function Drawn({ of: { limit, drawn, remaining, refills_at } }: { readonly of: QuotaState }) {
  const share = Math.min(100, (100 * drawn) / limit)
  return (
    <>
      <Progress
        value={share}
        size={6}
        my={6}
        maw="24rem"
        color={share > 90 ? 'red' : 'accent'}
        aria-label={`${drawn} of ${limit} drawn`}
      />
      {drawn.toLocaleString()} drawn, {remaining.toLocaleString()} left; refilled <When at={refills_at} />
      <Text size="xs" className="soft" component="div">
        <Exact at={refills_at} />. What nodes have at hand for the next calls counts as drawn.
      </Text>
    </>
  )
}
