// Verifies a JWT key offline: node verify-offline.mjs https://keys.example.com prj_… token-file
// Node 20 or newer, and jose. What it does, and what it cannot know: docs/guides/jwt-keys.md
import { readFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { inflateSync } from 'node:zlib'
import { createRemoteJWKSet, jwtVerify } from 'jose'

/** @param {{ issuer: string, audience: string }} who the public URL of Keyturn, and the id of the project whose keys may pass */
export function createOfflineVerifier({ issuer, audience }) {
  const publicKeys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`), { cacheMaxAge: 300_000 })
  /** @type {Map<string, { octets: Uint8Array, bits: number, until: number }>} */
  const lists = new Map()

  /** @returns the claims of a token that may pass @throws where it may not, whatever the reason */
  return async (/** @type {string} */ token) => {
    // One text for each token: base64 would let white space and bits that do not count pass.
    if (!/^[\w-]+\.[\w-]+\.[\w-]{85}[AQgw]$/.test(token)) throw new Error('no token of Keyturn')
    const { payload } = await jwtVerify(token, publicKeys, {
      algorithms: ['EdDSA'],
      typ: 'at+jwt',
      issuer,
      audience,
      requiredClaims: ['sub', 'jti', 'exp', 'nbf', 'status'],
      clockTolerance: 5,
    })
    /** @type {any} */
    const { status_list } = payload['status']
    const status = await statusOf(status_list.uri, status_list.idx)
    if (status !== 0) throw new Error(status === 2 ? 'suspended for now' : 'revoked')
    return payload
  }

  /** Two bits for each token, from the least significant ones of each octet on. */
  async function statusOf(/** @type {string} */ uri, /** @type {number} */ idx) {
    const kept = lists.get(uri)
    const { octets, bits } = kept && Date.now() < kept.until ? kept : await readList(uri)
    const octet = octets[Math.floor((idx * bits) / 8)]
    if (octet === undefined) throw new Error('the status list has no such place')
    return (octet >> ((idx * bits) % 8)) & (2 ** bits - 1)
  }

  async function readList(/** @type {string} */ uri) {
    const answer = await fetch(uri, { redirect: 'error', signal: AbortSignal.timeout(10_000) })
    if (!answer.ok) throw new Error(`the status list cannot be read: ${answer.status}`)
    const options = { algorithms: ['EdDSA'], typ: 'statuslist+jwt', issuer, subject: uri }
    const { payload } = await jwtVerify(await answer.text(), publicKeys, {
      ...options,
      requiredClaims: ['iat', 'exp', 'ttl', 'status_list'],
    })
    /** @type {any} */
    const { status_list, ttl, exp } = payload
    const octets = inflateSync(Buffer.from(status_list.lst, 'base64url'), { maxOutputLength: 2 ** 20 })
    const list = { octets, bits: status_list.bits, until: Math.min(Date.now() + 1000 * ttl, 1000 * exp) }
    lists.set(uri, list)
    return list
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [issuer = '', audience = '', file = ''] = process.argv.slice(2)
  const verify = createOfflineVerifier({ issuer, audience })
  console.log(JSON.stringify(await verify((await readFile(file, 'utf8')).trim()), null, 2))
}
