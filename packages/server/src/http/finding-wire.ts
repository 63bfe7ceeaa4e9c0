import type * as wire from '@keyturn/contract'
import { type Finding, whatToDo } from '../expirations/finding.ts'
import { toWireKey } from './wire.ts'

export function toWireFinding({ code, view, detail }: Finding): wire.Finding {
  const key = toWireKey(view)
  return {
    id: `${code}.${key.id}`,
    code,
    detail,
    what_to_do: whatToDo[code],
    key_id: key.id,
    name: key.name,
    owner: key.owner,
    contact: key.contact,
    organization_id: key.organization_id,
    project_id: key.project_id,
    kind: key.kind,
    environment: key.environment,
    management: key.management !== null,
    legacy: key.legacy,
    created_at: key.created_at,
    created_by: key.created_by,
    last_used_at: key.last_used_at,
    reviewed_at: key.reviewed_at,
  }
}
