import { useQuery } from '@tanstack/react-query'
import { queries } from '../api/queries.ts'
import { useMay } from '../app/me.tsx'

export interface Acknowledgement {
  readonly by: string
  readonly at: string
}

interface Subject {
  /** A secret or a tracked credential; null: that of the key, whichever. */
  readonly id: string | null
  readonly endsAt: string | null
}

const mostRead = 200

/**
 * Who has said of which date that they know. It is in the audit trail, and read from there; who may not read that sees none.
 *
 * @param key of one key alone
 */
export function useAcknowledgements(org: string, key?: string): (subject: Subject) => Acknowledgement | null {
  const may = useMay()
  const query = { action: 'reminder.acknowledged', limit: mostRead, ...(key !== undefined && { key }) } as const
  const events = useQuery({ ...queries.auditEvents(org, query), enabled: may('audit:read') }).data?.data ?? []
  return ({ id, endsAt }) => {
    const found = events.find(
      ({ after, target }) => after?.['ends_at'] === endsAt && (id === null || (after['secret'] ?? target.id) === id),
    )
    return found ? { by: found.actor.name, at: found.at } : null
  }
}
