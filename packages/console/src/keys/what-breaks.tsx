import type { CutOver } from '@keyturn/contract'
import { Alert, List, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { queries } from '../api/queries.ts'
import { useNow } from '../clock.ts'
import { parseTime, relativeTime } from '../words/time.ts'
import { count } from '../words/words.ts'

/** Whoever calls with it now, in words: that is what would break. */
export function WhatBreaks({ keyId }: { readonly keyId: string }) {
  const cutOver = useQuery(queries.cutOver(keyId))
  const now = useNow()
  if (!cutOver.data) return null
  const callers = cutOver.data.secrets.filter((one) => one.last_used_at !== null)
  if (callers.length === 0)
    return (
      <Alert color="gray" variant="light" title="Nothing that is known of">
        It was never called.
      </Alert>
    )
  return (
    <Alert color="red" variant="light" title="This breaks">
      <List size="sm" spacing={4}>
        {callers.map((secret) => (
          <List.Item key={secret.id}>
            <span className="mono">{secret.hint}</span>, {lastCallInWords(secret, now)}
          </List.Item>
        ))}
      </List>
      <Text size="sm" mt={6}>
        {callsInWords(callers)}
      </Text>
    </Alert>
  )
}

type SecretInUse = CutOver['secrets'][number]

/** "last called 4 minutes ago from 203.0.113.7 (curl/8.5)". */
export function lastCallInWords({ last_used_at, addresses }: SecretInUse, now: number): string {
  if (last_used_at === null) return 'never called'
  const [newest] = addresses
  const from = newest ? ` from ${newest.address}${newest.user_agent === null ? '' : ` (${newest.user_agent})`}` : ''
  return `last called ${relativeTime(parseTime(last_used_at), now)}${from}`
}

function callsInWords(secrets: readonly SecretInUse[]): string {
  const sum = (span: 'last_hour' | 'last_day' | 'last_30_days') =>
    secrets.reduce((total, { calls }) => total + calls[span], 0)
  return `${count(sum('last_hour'), 'call')} in the last hour, ${sum('last_day').toLocaleString()} in the last day, ${sum('last_30_days').toLocaleString()} in the last 30 days.`
}
