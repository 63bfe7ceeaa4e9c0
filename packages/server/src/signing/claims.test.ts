import { describe, expect, it } from 'vitest'
import { DomainError } from '../kernel/errors.ts'
import { claimsOf, longestToken, refuseLongToken } from './claims.ts'

const subject = {
  secretId: 'sec_1',
  keyId: 'key_1',
  projectId: 'prj_1',
  environment: 'test',
  scopes: ['orders:read', 'orders:write'],
  expiresAt: 5_000,
} as const
const place = { statusListId: 'stl_1', statusIndex: 7 }

describe('the claims of a token', () => {
  it('say who issued it for which project, to which key and secret, from when until when, and where its status is', () => {
    expect(claimsOf(subject, place, 'https://keys.example.com', 1_999)).toEqual({
      iss: 'https://keys.example.com',
      aud: 'prj_1',
      sub: 'key_1',
      client_id: 'key_1',
      jti: 'sec_1',
      iat: 1,
      nbf: 1,
      exp: 5,
      environment: 'test',
      scope: 'orders:read orders:write',
      status: { status_list: { idx: 7, uri: 'https://keys.example.com/status-lists/stl_1' } },
    })
  })

  it('have no scope where the key has none', () => {
    expect(claimsOf({ ...subject, scopes: [] }, place, 'https://keys.example.com', 0)).not.toHaveProperty('scope')
  })

  it('are refused before they make a token that verify would not take', () => {
    const scopes = (count: number) => Array.from({ length: count }, (_, at) => `${at}`.padEnd(100, 'x'))
    expect(() => refuseLongToken(scopes(20), 'https://keys.example.com')).not.toThrow()
    expect(() => refuseLongToken(scopes(30), 'https://keys.example.com')).toThrow(DomainError)
    expect(longestToken).toBe(4096)
  })
})
