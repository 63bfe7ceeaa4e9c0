import type { KeyObject } from 'node:crypto'
import type { AuditVerification } from '@keyturn/contract'
import type { Reader } from '../storage/database.ts'
import { chainOf, findHead, findLastSequence, listSignatures, readChain, type Signature } from './audit-store.ts'
import { genesisHash, isHeadSigned, linkOf } from './chain.ts'

const step = 1_000
const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex')
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0

/**
 * Walks a whole chain: every event follows its predecessor without a gap, its hash is the hash of what is stored, every
 * signature is ours and over the hash that stands there, and the chain ends where its head says. An event that was altered,
 * removed, inserted or moved breaks one of these; a chain that somebody computed anew breaks its signatures.
 */
export async function verifyChain(
  reader: Reader,
  organizationId: string | null,
  key: KeyObject,
): Promise<AuditVerification> {
  const chain = chainOf(organizationId)
  // In this order: what is sealed meanwhile lies past the head, where the walk stops, but never before it lies past the last event.
  const last = await findLastSequence(reader, organizationId)
  const head = await findHead(reader, organizationId)
  const signatures = new Map((await listSignatures(reader, organizationId)).map((one) => [one.sequence, one]))
  let sequence = 0
  let hash = genesisHash
  let signedThrough = 0

  const result = (fault: AuditVerification['fault']): AuditVerification => ({
    intact: fault === null,
    events: sequence,
    head: head ? { sequence: head.sequence, hash: hex(head.hash) } : null,
    signed_through: signedThrough,
    unsigned: Math.max(0, (head?.sequence ?? 0) - signedThrough),
    fault,
  })
  const broken = (at: number, detail: string) => result({ sequence: at, detail })

  for (;;) {
    const events = await readChain(reader, organizationId, sequence === 0 ? null : sequence, step)
    for (const event of events) {
      if (head && event.sequence > head.sequence) break
      if (event.sequence < 1) return broken(event.sequence, `Event ${event.sequence} was never recorded.`)
      if (event.sequence !== sequence + 1) return broken(sequence + 1, `Event ${sequence + 1} is missing.`)
      if (!same(linkOf(hash, event.sequence, event.body), event.hash)) {
        return broken(event.sequence, `Event ${event.sequence} is not the one that was recorded.`)
      }
      const signature = signatures.get(event.sequence)
      if (signature && !holds(signature, event.hash)) {
        return broken(
          event.sequence,
          `The signature over event ${event.sequence} does not hold: the chain was made anew.`,
        )
      }
      sequence = event.sequence
      hash = event.hash
      if (signature) signedThrough = sequence
    }
    if (events.length < step || (head && sequence >= head.sequence)) break
  }
  const latest = Math.max(0, ...signatures.keys())
  if (latest > sequence)
    return broken(sequence + 1, `Events up to ${latest} were signed, but the chain ends at ${sequence}.`)
  if ((head?.sequence ?? 0) !== sequence) return broken(sequence + 1, `Event ${sequence + 1} is missing.`)
  if (head && !same(head.hash, hash))
    return broken(sequence, 'The head of the chain is not the hash of its last event.')
  if (last > sequence) return broken(last, `Event ${last} was never recorded: the chain ends at ${sequence}.`)
  return result(null)

  function holds(signature: Signature, at: Uint8Array): boolean {
    return same(signature.hash, at) && isHeadSigned(key, chain, signature.sequence, signature.hash, signature.signature)
  }
}
