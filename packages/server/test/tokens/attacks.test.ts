import { createHmac, createPublicKey, randomBytes, sign } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createOfflineVerifier } from '../../../../examples/verify-offline.mjs'
import { ed25519KeyOf } from '../../src/kernel/ed25519.ts'
import { anEngine } from '../support/engines.ts'
import type { Keyturn } from '../support/keyturn.ts'
import { claimsIn, createTokenKey, headerIn, openIssuer, openSigningKeys, signAsIssuer } from '../support/tokens.ts'

const root = path.resolve(import.meta.dirname, '../../../..')
const encode = (part: object | string) =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')

/** Who forges has a key of their own, and a server that publishes it. */
const forger = ed25519KeyOf(randomBytes(32))
const forgersJwk = createPublicKey(forger).export({ format: 'jwk' })
const forge = (header: object | string, claims: object | string) => {
  const signed = `${encode(header)}.${encode(claims)}`
  return `${signed}.${sign(null, Buffer.from(signed), forger).toString('base64url')}`
}
const hmac = (algorithm: string, secret: string | Buffer, header: object, claims: object) => {
  const signed = `${encode(header)}.${encode(claims)}`
  return `${signed}.${createHmac(algorithm, secret).update(signed).digest('base64url')}`
}

interface Scene {
  readonly keyturn: Keyturn
  readonly token: string
  readonly header: Record<string, unknown>
  readonly claims: Record<string, any>
  /** Where the forger's keys are. */
  readonly elsewhere: string
  /** The public key of the issuer, in every form that somebody may take for a secret. */
  readonly publicForms: Readonly<Record<string, string | Buffer>>
}
type Attack = readonly [string, (scene: Scene) => string | Promise<string>]

const parts = (token: string) => token.split('.') as [string, string, string]
const soon = { timeout: 10_000 }
const now = () => Math.floor(Date.now() / 1000)
const asIssuer = (change: object, header?: object) => (scene: Scene) =>
  signAsIssuer(scene.keyturn, { ...scene.claims, ...change }, header)

const attacks: readonly Attack[] = [
  // RFC 8725 §2.1: no signature, or one by another algorithm
  ...['none', 'None', 'NONE', 'nOnE'].flatMap((alg): Attack[] => [
    [`alg ${alg} without a signature`, ({ header, claims }) => `${encode({ ...header, alg })}.${encode(claims)}.`],
    [
      `alg ${alg} with the signature of a real one`,
      ({ header, token }) => `${encode({ ...header, alg })}.${parts(token)[1]}.${parts(token)[2]}`,
    ],
  ]),
  ...(['octets', 'base64url', 'PEM', 'JWK', 'DER'] as const).map(
    (form): Attack => [
      `HS256 with the public key as the secret, as ${form}`,
      ({ header, claims, publicForms }) => hmac('sha256', publicForms[form] ?? '', { ...header, alg: 'HS256' }, claims),
    ],
  ),
  ['HS512 with an empty secret', ({ header, claims }) => hmac('sha512', '', { ...header, alg: 'HS512' }, claims)],
  ['an algorithm of another curve', ({ header, claims }) => forge({ ...header, alg: 'ES256' }, claims)],
  // RFC 8725 §2.8, §3.11: one kind of token for another
  ['typ JWT, signed by the issuer', asIssuer({}, { typ: 'JWT' })],
  ['no typ, signed by the issuer', asIssuer({}, { typ: undefined })],
  ['typ statuslist+jwt, signed by the issuer', asIssuer({}, { typ: 'statuslist+jwt' })],
  ['a status list in place of a token', async ({ claims }) => (await fetch(claims['status'].status_list.uri)).text()],
  // RFC 8725 §3.10: what the header says about keys
  ...['../../../../dev/null', "x' OR '1'='1", 'a'.repeat(2000), '', '__proto__', '*'].map(
    (kid): Attack => [
      `kid ${JSON.stringify(kid.slice(0, 20))}`,
      ({ header, claims }) => forge({ ...header, kid }, claims),
    ],
  ),
  [
    'kid /dev/null, and HS256 with its content',
    ({ header, claims }) => hmac('sha256', '', { ...header, alg: 'HS256', kid: '/dev/null' }, claims),
  ],
  ['the kid of the issuer, signed by somebody else', ({ header, claims }) => forge(header, claims)],
  ['no kid, signed by somebody else', ({ header, claims }) => forge({ ...header, kid: undefined }, claims)],
  [
    'jku to keys elsewhere',
    ({ header, claims, elsewhere }) => forge({ ...header, jku: elsewhere, kid: 'forged' }, claims),
  ],
  ['x5u to keys elsewhere', ({ header, claims, elsewhere }) => forge({ ...header, x5u: elsewhere }, claims)],
  ['a key of its own in the header', ({ header, claims }) => forge({ ...header, jwk: forgersJwk }, claims)],
  ['a certificate of its own in the header', ({ header, claims }) => forge({ ...header, x5c: ['MIIB'] }, claims)],
  [
    'an iss elsewhere, where the keys are its own',
    ({ header, claims, elsewhere }) =>
      forge({ ...header, kid: 'forged' }, { ...claims, iss: elsewhere.replace('/jwks', '') }),
  ],
  ['crit that nobody understands', ({ header, claims }) => forge({ ...header, crit: ['x'], x: 1 }, claims)],
  // What the issuer itself would have to have said
  ['ended a minute ago', asIssuer({ exp: now() - 60 })],
  ['without an end', asIssuer({ exp: undefined })],
  ['an end that is text', ({ header, claims }) => forge(header, { ...claims, exp: '9999999999' })],
  ['not valid for another hour', asIssuer({ nbf: now() + 3600 })],
  ['for another project', asIssuer({ aud: 'prj_another' })],
  ['for other projects', asIssuer({ aud: ['prj_another', 'prj_and_another'] })],
  ['for nobody in particular', asIssuer({ aud: undefined })],
  ['of another issuer', asIssuer({ iss: 'https://keys.example.net' })],
  ['without a status', asIssuer({ status: undefined })],
  [
    'with a place past the end of its list',
    ({ keyturn, claims }) =>
      signAsIssuer(keyturn, { ...claims, status: { status_list: { ...claims['status'].status_list, idx: 131_072 } } }),
  ],
  // What was altered after it was signed
  [
    'another scope under the same signature',
    ({ token, claims }) => `${parts(token)[0]}.${encode({ ...claims, scope: 'everything' })}.${parts(token)[2]}`,
  ],
  [
    'exp twice',
    ({ token, claims }) =>
      `${parts(token)[0]}.${encode(`${JSON.stringify(claims).slice(0, -1)},"exp":9999999999}`)}.${parts(token)[2]}`,
  ],
  ['alg twice', ({ claims, header }) => forge(`${JSON.stringify(header).slice(0, -1)},"alg":"none"}`, claims)],
  ['kid twice', ({ claims, header }) => forge(`${JSON.stringify(header).slice(0, -1)},"kid":"forged"}`, claims)],
  ['a header that is no JSON', ({ token }) => `${encode('EdDSA')}.${parts(token)[1]}.${parts(token)[2]}`],
  ['a signature of zeros', ({ token }) => `${parts(token)[0]}.${parts(token)[1]}.${'A'.repeat(86)}`],
  ['without a signature', ({ token }) => `${parts(token)[0]}.${parts(token)[1]}.`],
  // Other texts for the same
  ['a part after the signature', ({ token }) => `${token}.${encode('{}')}`],
  ['characters after the signature', ({ token }) => `${token}AAAA`],
  ['padding after the signature', ({ token }) => `${token}==`],
  ['white space after the signature', ({ token }) => `${token}\n`],
  ['white space in the signature', ({ token }) => `${token.slice(0, -4)} ${token.slice(-4)}`],
  ['other last bits of the signature, which count for nothing', ({ token }) => token.replace(/.$/, nextLetter)],
  ['the other alphabet of base64', ({ token }) => `${parts(token)[0]}.${parts(token)[1]}+/.${parts(token)[2]}`],
  [
    'the JSON serialization',
    ({ token }) => {
      const [header, payload, signature] = parts(token)
      return JSON.stringify({ protected: header, payload, signature })
    },
  ],
  ['five parts, as if it were encrypted', ({ token }) => `${token}.AAAA.AAAA`],
  ['nothing', () => ''],
]

/** The last of 86 characters has two bits that count, and four that do not. */
const nextLetter = (letter: string) => ({ A: 'B', Q: 'R', g: 'h', w: 'x' })[letter] ?? letter

describe.each(anEngine('PostgreSQL'))('a forged token, on $name', (engine) => {
  let scene: Scene
  let server: Server
  let asked = 0
  let verifyOffline: (token: string) => Promise<unknown>
  beforeAll(async () => {
    const keyturn = await openIssuer(engine)
    server = createServer((_, response) => {
      asked++
      response.end(JSON.stringify({ keys: [{ ...forgersJwk, kid: 'forged', alg: 'EdDSA', use: 'sig' }] }))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    const { secret } = await createTokenKey(keyturn, { scopes: ['orders:read'] })
    const [{ seed } = { seed: Buffer.alloc(32) }] = await openSigningKeys(keyturn)
    const publicKey = createPublicKey(ed25519KeyOf(seed))
    const jwk = publicKey.export({ format: 'jwk' })
    scene = {
      keyturn,
      token: secret.value,
      header: headerIn(secret.value),
      claims: claimsIn(secret.value),
      elsewhere: `http://127.0.0.1:${port}/jwks`,
      publicForms: {
        octets: Buffer.from(jwk.x ?? '', 'base64url'),
        base64url: jwk.x ?? '',
        PEM: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
        JWK: JSON.stringify(jwk),
        DER: publicKey.export({ format: 'der', type: 'spki' }),
      },
    }
    verifyOffline = createOfflineVerifier({ issuer: keyturn.url, audience: scene.claims['aud'] })
  })
  afterAll(async () => {
    server.close()
    await scene.keyturn.stop()
  })

  it('is told from a real one, which passes both ways, also where the issuer itself made the text anew', async () => {
    expect(await verifyOffline(scene.token)).toMatchObject({ scope: 'orders:read' })
    expect((await scene.keyturn.verify(scene.token)).code).toBe('VALID')
    expect(await verifyOffline(await signAsIssuer(scene.keyturn, scene.claims))).toMatchObject({ scope: 'orders:read' })
  })

  it.each(attacks)('%s: is refused by verify, and by the recipe of the guide', async (_, make) => {
    const forged = await make(scene)
    expect(forged).not.toBe(scene.token)
    const verdict = await scene.keyturn.verify(forged)
    expect(verdict).toMatchObject({ valid: false, key: null, secret: null })
    expect(['NOT_FOUND', 'MALFORMED']).toContain(verdict.code)
    await expect(verifyOffline(forged)).rejects.toThrow()
  })

  it('makes nobody ask for keys elsewhere', () => {
    expect(asked).toBe(0)
  })

  it('that once was a real one is refused by the recipe, too, as soon as its list says so', async () => {
    const { keyturn } = scene
    const { key, secret } = await createTokenKey(keyturn)
    // Each has read no list yet.
    const ask = () => createOfflineVerifier({ issuer: keyturn.url, audience: scene.claims['aud'] })(secret.value)
    const saidSoon = async (said: RegExp) => {
      await expect.poll(() => ask().then(({ sub }) => sub, String), soon).toMatch(said)
    }
    await saidSoon(/^key_/)
    const act = (to: string) => keyturn.request('POST', `/v1/keys/${key.id}/${to}`)
    await act('disable')
    await saidSoon(/suspended/)
    await act('enable')
    await saidSoon(/^key_/)
    await act('revoke')
    await saidSoon(/revoked/)
  })
})

describe('the recipe of the guide', () => {
  it('is the very code that these tests run', () => {
    const read = (file: string) => readFileSync(path.join(root, file), 'utf8')
    const [, recipe = 'missing'] =
      /^(import \{ inflateSync[^]*?^\}\n)/m.exec(
        read('examples/verify-offline.mjs').replace(/^import .*node:(?:fs|url).*\n/gm, ''),
      ) ?? []
    expect(read('docs/guides/jwt-keys.md')).toContain(`\`\`\`js\n${recipe}\`\`\``)
  })
})
