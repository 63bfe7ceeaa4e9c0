import { isSame, sha256 } from '../kernel/digest.ts'
import { DomainError } from '../kernel/errors.ts'
import type { MasterKey } from '../kernel/master-key.ts'
import { randomBase62 } from '../kernel/random.ts'
import * as store from './attempt-store.ts'
import type { Ground } from './call.ts'

const windowMs = 15 * 60_000
// Wrong ones by everybody behind one address: an office signs in from one. NIST SP 800-63B-4, 3.2.2, allows at most 100 in a row.
const perAddress = 50
const perAccount = 10

/** Somebody's attempt to prove who they are. */
export interface Attempt {
  readonly email: string
  readonly address: string | null
  /** What the device was given when somebody signed in with it. */
  readonly device: string | null
}

/**
 * Counts an attempt before it is looked at. Guesses at an account are counted together from all devices that it was never used
 * with, and apart for each that it was: whoever guesses at somebody's password locks out other guessers, not the person on a
 * device of theirs.
 *
 * @returns takes it back, once it was right
 * @throws DomainError too_many_attempts
 */
export async function countAttempt(
  ground: Ground,
  masterKey: MasterKey,
  attempt: Attempt,
): Promise<() => Promise<void>> {
  const now = await ground.now(ground.reader)
  const account = accountBucket(masterKey, attempt)
  const address = attempt.address === null ? null : `address ${networkOf(attempt.address)}`
  // A device of the person's own is counted by itself alone: guessers beside them, behind one address, do not keep them out.
  const isOwnDevice = account.startsWith(ofDevice)
  const buckets = [
    { bucket: account, limit: perAccount },
    ...(address === null || isOwnDevice ? [] : [{ bucket: address, limit: perAddress }]),
  ]
  for (const { bucket, limit } of buckets) {
    const { count, since } = await store.countAttempt(ground.reader, bucket, now, windowMs)
    if (count > limit) {
      throw new DomainError('too_many_attempts', {
        retry_after: Math.max(1, Math.ceil((since + windowMs - now) / 1000)),
      })
    }
  }
  return async () => {
    await store.forgetAttempts(ground.reader, account)
    // Not forgotten as a whole: whoever has one account could guess at others without an end.
    if (address !== null && !isOwnDevice) await store.takeBackAttempt(ground.reader, address)
  }
}

export async function forgiveAttempts(
  ground: Ground,
  masterKey: MasterKey,
  attempt: Pick<Attempt, 'email' | 'device'>,
): Promise<void> {
  await store.forgetAttempts(ground.reader, accountBucket(masterKey, attempt))
}

/** For a device that somebody has just signed in with. */
export function markDevice(masterKey: MasterKey, email: string): string {
  const nonce = randomBase62(22)
  return `${nonce}.${masterKey.deviceMark(email, nonce)}`
}

/**
 * Uses a code of somebody's authenticator up. It holds for a minute and a half, with the drift that clocks are allowed, and is
 * remembered for longer.
 *
 * @returns false where it was used before
 */
export async function useUpCode(ground: Ground, personId: string, code: string): Promise<boolean> {
  const now = await ground.now(ground.reader)
  const { count } = await store.countAttempt(ground.reader, `code ${personId} ${code}`, now, windowMs)
  return count === 1
}

export async function forgetOldAttempts(ground: Ground): Promise<void> {
  await store.forgetOldAttempts(ground.reader, (await ground.now(ground.reader)) - windowMs)
}

const ofDevice = 'device '

function accountBucket(masterKey: MasterKey, { email, device }: Pick<Attempt, 'email' | 'device'>): string {
  const [nonce = '', mark = ''] = (device ?? '').split('.')
  if (nonce !== '' && isSame(mark, masterKey.deviceMark(email, nonce))) return `${ofDevice}${nonce}`
  // People type passwords into the field for the address: it is kept as a digest.
  return `account ${sha256(email).toString('base64url')}`
}

/** An IPv6 customer has at least a /64, and every address in it. */
function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail = ''] = address.split('::')
  const before = head.split(':').filter((part) => part !== '')
  const after = tail.split(':').filter((part) => part !== '')
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0')
  return [...before, ...zeros, ...after].slice(0, 4).join(':')
}
