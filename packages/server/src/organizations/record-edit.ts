import type { AuditAction } from '@keyturn/contract'
import { differences, recordChange } from '../audit/record-change.ts'
import type { Instant } from '../kernel/instant.ts'
import type { Call } from '../people/call.ts'
import type { Tx } from '../storage/database.ts'

interface Edited {
  readonly type: 'organization' | 'project'
  readonly id: string
  readonly name: string
  readonly organizationId: string
}

/** One side of an edit: what of the record was, and what is. */
interface Aspect {
  readonly action: AuditAction
  readonly before: object
  readonly after: object
  readonly affectsVerdicts: boolean
}

/** The name, the switch and the policy are events of their own, so that each is found by its name. What is the same is none. */
export async function recordEdit(tx: Tx, call: Call, now: Instant, edited: Edited, aspects: Aspect[]): Promise<void> {
  for (const aspect of aspects) {
    const changed = differences({ ...aspect.before }, { ...aspect.after })
    if (!changed) continue
    await recordChange(tx, call, now, {
      action: aspect.action,
      organizationId: edited.organizationId,
      projectId: edited.type === 'project' ? edited.id : null,
      target: { type: edited.type, id: edited.id, name: edited.name },
      ...changed,
      affects: aspect.affectsVerdicts ? { kind: edited.type, id: edited.id } : null,
    })
  }
}
