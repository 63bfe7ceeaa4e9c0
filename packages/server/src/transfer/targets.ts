import { z } from 'zod'
import { type Line, type RecordKind, recordKinds } from './lines.ts'

/** What a record is called as the target of an event. */
const kindsByTarget: Readonly<Record<string, RecordKind>> = {
  organization: 'organization',
  project: 'project',
  key: 'key',
  tracked_credential: 'tracked_credential',
  channel: 'channel',
  person: 'member',
}

/** The records that events are about, in the order in which an export has them. */
export function targetsOf(lines: readonly Line[]): Map<RecordKind, Set<string>> {
  const targets = new Map(recordKinds.map((kind) => [kind, new Set<string>()]))
  for (const line of lines) {
    const target = line.type === 'audit_event' ? targetOf(line.body) : null
    const kind = target && kindsByTarget[target.type]
    if (kind) targets.get(kind)?.add(target.id)
  }
  return targets
}

const eventWithTarget = z.object({ target: z.object({ type: z.string(), id: z.string() }) })

/** Of whatever action: a newer version may have written it. */
const targetOf = (body: string) => eventWithTarget.safeParse(JSON.parse(body)).data?.target ?? null
