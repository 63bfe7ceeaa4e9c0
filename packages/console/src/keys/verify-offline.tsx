import { Anchor, Text } from '@mantine/core'
import { Sample } from '../ui/sample.tsx'

/** Whom a token is from, and for: what a verifier has to know beforehand. @returns null where it is none of ours */
function readClaims(token: string): { issuer: string; audience: string } | null {
  try {
    const payload = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')
    const claims: unknown = JSON.parse(atob(payload))
    if (typeof claims !== 'object' || claims === null || !('iss' in claims) || !('aud' in claims)) return null
    return { issuer: String(claims.iss), audience: String(claims.aud) }
  } catch {
    return null
  }
}

/** How somebody else verifies it without asking: the whole way, with the status list, in which a revocation is. */
export function VerifyOffline({ token }: { readonly token: string }) {
  const claims = readClaims(token)
  if (!claims) return null
  const { issuer, audience } = claims
  const publicKeys = `${issuer}/.well-known/jwks.json`
  const text = `import { createOfflineVerifier } from './verify-offline.mjs'

const verify = createOfflineVerifier({
  issuer: '${issuer}',
  audience: '${audience}',
})
// Throws where the token is refused: forged, ended, revoked or suspended.
const { sub, scope, environment } = await verify(token)`
  return (
    <div>
      <Sample label="In your product, offline: may this request pass?" text={text} what="the offline sample" />
      <Text size="xs" className="soft" mt={4} style={{ overflowWrap: 'anywhere' }}>
        <span className="mono">examples/verify-offline.mjs</span> of Keyturn is to be copied; the guide{' '}
        <span className="mono">docs/guides/jwt-keys.md</span> says what each line keeps out. Public keys:{' '}
        <Anchor href={publicKeys} target="_blank" rel="noreferrer" inherit underline="always">
          {publicKeys}
        </Anchor>
      </Text>
    </div>
  )
}
