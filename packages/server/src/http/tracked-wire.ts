import type * as wire from '@keyturn/contract'
import type { CredentialView } from '../expirations/track-credential.ts'
import type { TrackedFacts, TrackedValue } from '../expirations/tracked-credential.ts'
import { formatInstant, formatTime } from '../kernel/instant.ts'

const toWireKnown = (facts: TrackedFacts) => ({
  fingerprint: facts.fingerprint,
  iss: facts.issuer,
  sub: facts.subject,
  kid: facts.keyId,
  expires_at: formatInstant(facts.expiresAt),
})

export const toWireFacts = (value: TrackedValue): wire.TrackedCredentialWithHistory['history'][number] => ({
  ...toWireKnown(value),
  recorded_at: formatTime(value.recordedAt),
  recorded_by: value.recordedBy,
})

export const toWireCredential = ({ credential, now }: CredentialView): wire.TrackedCredential => ({
  id: credential.id,
  organization_id: credential.organizationId,
  project_id: credential.projectId,
  name: credential.name,
  purpose: credential.purpose,
  owner: credential.owner,
  contact: credential.contact,
  expired: credential.expiresAt <= now,
  ...toWireKnown(credential),
  created_at: formatTime(credential.createdAt),
  created_by: credential.createdBy,
  renewed_at: formatTime(credential.renewedAt),
})
