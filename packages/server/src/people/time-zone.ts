import { recordChange } from '../audit/record-change.ts'
import { DomainError } from '../kernel/errors.ts'
import type { Reader } from '../storage/database.ts'
import type { Call } from './call.ts'
import { findTimeZone, setTimeZone } from './person-store.ts'

/** In which a person is told of things; null: in that of each organization. */
export async function readOwnTimeZone(reader: Reader, personId: string): Promise<string | null> {
  return (await findTimeZone(reader, personId))?.timeZone ?? null
}

/** To the one it is already is a success without an event. @param timeZone IANA name, checked; null: none of their own */
export async function changeOwnTimeZone(
  call: Call,
  person: { readonly id: string; readonly name: string },
  timeZone: string | null,
): Promise<void> {
  await call.change(async (tx) => {
    const before = await findTimeZone(tx, person.id)
    if (!before) throw new DomainError('unauthenticated')
    if (before.timeZone === timeZone) return
    await setTimeZone(tx, person.id, timeZone)
    await recordChange(tx, call, await call.now(tx), {
      action: 'person.updated',
      organizationId: null,
      projectId: null,
      target: { type: 'person', id: person.id, name: person.name },
      before: { time_zone: before.timeZone },
      after: { time_zone: timeZone },
      affects: null,
    })
  })
}
