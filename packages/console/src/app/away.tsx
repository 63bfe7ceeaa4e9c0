import { Alert } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useSyncExternalStore } from 'react'
import { isUnreachable } from '../api/api.ts'

/** Where something that is shown could not be read anew: it may be old, and nobody need press anything. */
export function Away() {
  const cache = useQueryClient().getQueryCache()
  const isAway = useSyncExternalStore(
    (changed) => cache.subscribe(changed),
    () =>
      cache
        .getAll()
        .some((query) => query.isActive() && query.state.data !== undefined && isUnreachable(query.state.error)),
  )
  if (!isAway) return null
  return (
    <Alert color="yellow" variant="light" title="Keyturn cannot be reached" role="status" mb="lg">
      What you see was so a moment ago. This page tries again by itself, and nothing that you typed is lost.
    </Alert>
  )
}
