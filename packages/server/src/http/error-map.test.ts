import { errorCodes } from '@keyturn/contract'
import { describe, expect, it } from 'vitest'
import { DomainError } from '../kernel/errors.ts'
import { bearerChallenge, toProblem } from './error-map.ts'

describe('an error on its way to the caller', () => {
  it.each(errorCodes)('%s is a problem that leads to its own explanation and says what to do', (code) => {
    const problem = toProblem(new DomainError(code), 'req_1')
    expect(problem).toMatchObject({ type: `/docs/errors#${code}`, code, request_id: 'req_1' })
    expect(problem.status).toBeGreaterThanOrEqual(400)
    expect(problem.title).not.toMatch(/[.!]$/)
    expect(problem.detail).toMatch(/\.$/)
  })

  it('carries the facts, which cannot stand in for its own members', () => {
    const facts = { limit: 50, active: 50, code: 'another', status: 200, type: 'elsewhere', request_id: 'req_2' }
    expect(toProblem(new DomainError('active_key_limit_reached', facts), 'req_1')).toMatchObject({
      limit: 50,
      active: 50,
      code: 'active_key_limit_reached',
      status: 409,
      type: '/docs/errors#active_key_limit_reached',
      request_id: 'req_1',
    })
  })

  it('challenges for a bearer exactly where a credential is what is missing or wrong', () => {
    const challenged = errorCodes.filter((code) => bearerChallenge(new DomainError(code)) !== undefined)
    expect(challenged).toEqual([
      'unauthenticated',
      'invalid_token',
      'ambiguous_credentials',
      'insufficient_scope',
      'management_key_required',
    ])
    const withStatus = errorCodes.filter((code) => toProblem(new DomainError(code), '').status === 401)
    expect(challenged).toEqual(expect.arrayContaining(withStatus))
  })

  it('lets nothing out of the quotes of a header', () => {
    const challenge = bearerChallenge(new DomainError('insufficient_scope', { scope: 'a"b\\c\r\nSet-Cookie: d' }))
    expect(challenge).toMatch(/, scope="a b c {2}Set-Cookie: d"$/)
    expect(challenge).not.toMatch(/[\r\n]/)
  })
})
