import { recordChange } from '../audit/record-change.ts'
import type { Call } from '../people/call.ts'
import type { KeyScope } from './key-list.ts'

/** Who took a list of keys away, and which. */
export async function recordKeyExport(call: Call, scope: KeyScope, filter: object): Promise<void> {
  const { organizationId, projectId } = scope
  const target = projectId === null ? 'organization' : 'project'
  await call.change(async (tx) => {
    await recordChange(tx, call, await call.now(tx), {
      action: 'keys.exported',
      organizationId,
      projectId,
      target: { type: target, id: projectId ?? organizationId, name: projectId ?? organizationId },
      before: null,
      after: { format: 'csv', filter },
      affects: null,
    })
  })
}
