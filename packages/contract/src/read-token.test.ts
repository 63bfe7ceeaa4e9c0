import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fingerprintOf, readToken } from './read-token.ts'

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const tokenOf = (claims: unknown, header: unknown = { alg: 'ES256', kid: '2026-1' }) =>
  `${part(header)}.${part(claims)}.${Buffer.from('signature').toString('base64url')}`

describe('a token that is read where it is', () => {
  it('gives the example of RFC 7519 §3.1 its issuer and its end', async () => {
    const token =
      'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
    const fingerprint = createHash('sha256').update(token).digest('hex')
    expect(await readToken(token)).toEqual({ iss: 'joe', exp: 1_300_819_380, fingerprint })
  })

  it('gives issuer, subject, key id and end, and nothing else that is in it', async () => {
    const claims = {
      iss: 'https://issuer.example',
      sub: 'Zoë',
      exp: 1_900_000_000.5,
      email: 'ada@example.com',
      scope: 'all',
    }
    expect(await readToken(tokenOf(claims))).toEqual({
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
      iss: 'https://issuer.example',
      sub: 'Zoë',
      kid: '2026-1',
      exp: 1_900_000_000,
    })
  })

  it('has no end where it says none', async () => {
    expect(await readToken(tokenOf({ iss: 'a' }))).not.toHaveProperty('exp')
  })

  it('is the same token however it was pasted', async () => {
    const token = tokenOf({ exp: 1 })
    for (const pasted of [` ${token}\n`, `Bearer ${token}`, `bearer  ${token} `])
      expect(await readToken(pasted)).toEqual(await readToken(token))
    expect((await readToken(token))?.fingerprint).toBe(await fingerprintOf(token))
  })

  it.each([
    ['', 'nothing'],
    ['kt_live_abc', 'another sort of key'],
    [tokenOf({}).split('.').slice(0, 2).join('.'), 'a part that is missing'],
    [`${tokenOf({})}.x.y`, 'five parts, which are encrypted'],
    [tokenOf([]), 'claims that are no object'],
    [tokenOf({}, { kid: 'x' }), 'no algorithm'],
    [tokenOf({ exp: '2027-01-01' }), 'an end that is no number'],
    [tokenOf({ exp: -1 }), 'an end before 1970'],
    ['eyJhbGciOiJub25lIn0.!!!.x', 'what is no base64url'],
    [`eyJhbGciOiJub25lIn0.${Buffer.from([0x22, 0xff, 0x22]).toString('base64url')}.x`, 'what is no UTF-8'],
  ])('is none: %s (%s)', async (text) => {
    expect(await readToken(text)).toBeNull()
  })

  it('never throws, whatever is pasted', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          fc.array(fc.base64String(), { maxLength: 4 }).map((a) => a.join('.')),
        ),
        async (text) => {
          const facts = await readToken(text)
          expect(facts === null || /^[0-9a-f]{64}$/.test(facts.fingerprint)).toBe(true)
        },
      ),
    )
  })
})
