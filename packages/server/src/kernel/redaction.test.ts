import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mintValue, prefixesOf } from '../keys/format.ts'
import { randomBase62 } from './random.ts'
import { redact } from './redaction.ts'

const anyText = fc.string().filter((text) => !/[0-9a-z_]$/i.test(text))

describe('redaction', () => {
  it('leaves of a value of ours, wherever it stands, its prefix alone', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...prefixesOf('kt'), ...prefixesOf('acme2')),
        anyText,
        fc.string(),
        (prefix, a, b) => {
          const value = mintValue(prefix).reveal()
          const redacted = redact(`${a}${value} ${b}`)
          expect(redacted).not.toContain(value.slice(prefix.length))
          expect(redacted).toContain(`${prefix}[secret]`)
        },
      ),
    )
  })

  it('covers the root key', () => {
    const random = randomBase62(40)
    expect(redact(`{"token":"kt_root_${random}"}`)).toBe('{"token":"kt_root_[secret]"}')
  })

  it('covers tokens, whole and cut off', () => {
    const [header, payload, signature] = ['{"alg":"EdDSA"}', '{"sub":"key_1"}', randomBase62(64)].map((text) =>
      Buffer.from(text).toString('base64url'),
    )
    expect(redact(`no ${header}.${payload}.${signature}, please`)).toBe('no eyJ[secret], please')
    expect(redact(`"${header}.${payload}"`)).toBe('"eyJ[secret]"')
  })

  it('covers the links in reminders', () => {
    const token = `ab-_${randomBase62(60)}`
    expect(redact(`GET /reminders/${token}/extend failed`)).toBe('GET /reminders/[token]/extend failed')
  })

  it('covers whatever follows Bearer, as any other system may have made it', () => {
    expect(redact('authorization: Bearer abc.def-ghi_jkl')).toBe('authorization: Bearer [secret]')
    expect(redact('{"authorization":"bearer 0123456789"}')).toBe('{"authorization":"bearer [secret]"}')
  })

  it('covers the password of a database URL, and leaves the rest to be read', () => {
    expect(redact('cannot reach postgres://keyturn:s3cret!@db.example:5432/keyturn')).toBe(
      'cannot reach postgres://keyturn:[secret]@db.example:5432/keyturn',
    )
  })

  it('leaves ids, hints and ordinary text as they are', () => {
    const text =
      'key_01k5w3v4x7c8n9m0p1q2r3s4t5 of prj_01k5w3v4x7c8n9m0p1q2r3s4t5, kt_live_AbCd…WxYz: no bearer, postgres://db.example/kt'
    expect(redact(text)).toBe(text)
  })
})
