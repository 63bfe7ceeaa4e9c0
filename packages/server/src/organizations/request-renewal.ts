import type { RenewalRequest } from '@keyturn/contract'
import { recordChange } from '../audit/record-change.ts'
import { DomainError } from '../kernel/errors.ts'
import { formatTime, parseInstant, seconds } from '../kernel/instant.ts'
import type { Call } from '../people/call.ts'
import { requireScope } from '../people/permissions.ts'
import { lockProjectForKeys, type ProjectWithPolicy } from './find.ts'
import type { Project } from './organization.ts'
import { setRenewal } from './project-store.ts'

const defaultSeconds = 86_400
// What may wait longer than a month is no incident.
const longestSeconds = 30 * 86_400

/**
 * Asks the holders of all secrets of a project to renew them. Those made before this moment are concerned: whoever makes or
 * rotates a key waits for the project's row, so that none is on both sides. Nothing that a verdict depends on changes.
 *
 * @throws DomainError insufficient_scope, project_not_found, renew_by_out_of_range
 */
export function requestRenewal(
  call: Call,
  project: Pick<Project, 'id' | 'organizationId'>,
  wanted: RenewalRequest,
): Promise<ProjectWithPolicy> {
  requireScope(call.caller, 'policy:write')
  return call.change(async (tx) => {
    const place = await lockProjectForKeys(tx, project.organizationId, project.id)
    const now = await call.now(tx)
    const renewBy = wanted.renew_by === undefined ? now + seconds(defaultSeconds) : parseInstant(wanted.renew_by)
    const latest = now + seconds(longestSeconds)
    if (renewBy <= now || renewBy > latest)
      throw new DomainError('renew_by_out_of_range', { earliest: formatTime(now), latest: formatTime(latest) })
    const renewal = { requestedAt: now, renewBy, reason: wanted.reason }
    const asked = await setRenewal(tx, project.organizationId, project.id, renewal)
    await recordChange(tx, call, now, {
      action: 'project.renewal_requested',
      organizationId: asked.organizationId,
      projectId: asked.id,
      target: { type: 'project', id: asked.id, name: asked.name },
      before: null,
      after: { renew_by: formatTime(renewBy), reason: wanted.reason },
      affects: null,
    })
    return { ...place, project: asked }
  })
}
