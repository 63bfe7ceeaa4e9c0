import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { adviceOn, fold, isVague, nameKeyOf } from './name-advice.ts'

const inAnyCase = (text: string) =>
  fc
    .array(fc.boolean(), { minLength: text.length, maxLength: text.length })
    .map((upper) => [...text].map((letter, at) => (upper[at] ? letter.toUpperCase() : letter)).join(''))

describe('a name that says nothing', () => {
  const vague = ['test', 'old', 'api', 'key1', 'key', 'keys', 'token', 'new', 'tmp', 'temp', 'foo', 'default', 'secret']

  it.each(vague)('is recognised in any case: %s', (name) => {
    fc.assert(
      fc.property(inAnyCase(name), (written) => {
        expect(isVague(written)).toBe(true)
      }),
    )
  })

  it('is recognised however its words are put together', () => {
    for (const name of [
      'API key',
      'api-key-2',
      'my_new_key',
      'Test  Key   #3',
      'TEST (old)',
      'key 2027',
      'a',
      '1',
      '---',
      '🔑',
      'ｔｅｓｔ',
      'tést',
      'Key\u00a01',
    ]) {
      expect(isVague(name), name).toBe(true)
    }
  })
})

describe('a name that says what the key is for', () => {
  it('is not called vague, even with an empty word in it', () => {
    for (const name of [
      'Zapier, production',
      'Billing export',
      'Testify',
      'Oldenburg branch',
      'Keystone sync',
      'Test rig of plant 4',
      'Stripe webhook key',
      'CI (GitHub Actions)',
      'Datadog',
      '請求書エクスポート',
      'Склад',
      'partner-api-acme',
    ]) {
      expect(isVague(name), name).toBe(false)
    }
  })
})

describe('names as they are compared', () => {
  it('are the same whatever their case, accents, width and spaces', () => {
    for (const name of ['Zapier', 'ZAPIER', ' zapier ', 'Zàpïer', 'Ｚapier']) expect(nameKeyOf(name)).toBe('zapier')
    expect(nameKeyOf('Billing   export')).toBe(nameKeyOf('billing\u00a0export'))
  })

  it('are the same when compared twice, and short enough for an index', () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        expect(fold(fold(name))).toBe(fold(name))
      }),
    )
    expect(nameKeyOf('ﷺ'.repeat(200)).length).toBeLessThanOrEqual(400)
  })
})

describe('advice on a key', () => {
  const codes = (key: Partial<Parameters<typeof adviceOn>[0]>) =>
    adviceOn({ name: 'Zapier', owner: null, contact: null, legacy: false, ...key }).map((warning) => warning.code)

  it('says when nobody would be told of its end; a legacy key has none', () => {
    expect(codes({})).toEqual(['nobody_would_be_told'])
    expect(codes({ owner: 'anna@example.com' })).toEqual([])
    expect(codes({ contact: 'team@example.com' })).toEqual([])
    expect(codes({ legacy: true })).toEqual([])
  })

  it('says that its name is vague', () => {
    expect(codes({ name: 'key1', owner: 'anna@example.com' })).toEqual(['vague_name'])
  })
})
