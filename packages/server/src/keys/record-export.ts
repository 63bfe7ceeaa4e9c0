import { recordChange } from '../audit/record-change.ts'
import type { Call } from '../people/call.ts'

/** Who took a list away, and which. @param scope of what: null is the whole organization */
export async function recordExport(
  call: Call,
  action: 'keys.exported' | 'expirations.exported',
  { organizationId, projectId }: { readonly organizationId: string; readonly projectId: string | null },
  filter: object,
): Promise<void> {
  const target = projectId === null ? 'organization' : 'project'
  await call.change(async (tx) => {
    await recordChange(tx, call, await call.now(tx), {
      action,
      organizationId,
      projectId,
      target: { type: target, id: projectId ?? organizationId, name: projectId ?? organizationId },
      before: null,
      after: { format: 'csv', filter },
      affects: null,
    })
  })
}
