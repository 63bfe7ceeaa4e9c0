import type { Key } from '@keyturn/contract'
import { Text } from '@mantine/core'
import { useNow } from '../clock.ts'
import { parseTime, timeToTheSecond } from '../words/time.ts'

export const learnOffline = 'Whoever verifies it offline learns of it within two minutes.'

/** Beside what refuses a key at once: of a JWT key that is so for those who ask. */
export function OfflineNote({ kind }: Pick<Key, 'kind'>) {
  if (kind !== 'jwt') return null
  return (
    <Text size="sm" className="soft">
      That is so for everybody who asks Keyturn. {learnOffline}
    </Text>
  )
}

/** After a revocation: until when somebody who verifies offline may still accept it. Null: nobody can. */
export function OfflineUntil({ at }: { readonly at: string | null }) {
  const now = useNow()
  if (at === null) return null
  // Never earlier than it is true.
  const time = Math.ceil(parseTime(at) / 1000) * 1000
  return (
    <Text size="sm" aria-live="polite">
      {time > now ? (
        <>
          Whoever verifies it offline refuses it from <time dateTime={at}>{timeToTheSecond(time)}</time> on at the
          latest.
        </>
      ) : (
        'Whoever verifies it offline refuses it, too.'
      )}
    </Text>
  )
}
