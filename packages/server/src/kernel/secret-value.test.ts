import { format, inspect } from 'node:util'
import { pino } from 'pino'
import { expect, it } from 'vitest'
import { DomainError } from './errors.ts'
import { SecretValue } from './secret-value.ts'

const value = 'kt_live_0123456789abcdefghijklmnopqrstuv'
const secret = new SecretValue(value)
/** As a mistake would print it that no type has caught. */
const untyped: any = secret

it('is given by reveal, and by nothing else', () => {
  expect(secret.reveal()).toBe(value)
  expect(Object.keys(secret)).toEqual([])
  expect(Reflect.ownKeys(secret)).toEqual([])
  expect({ ...untyped }).toEqual({})
})

const printed: Record<string, () => string> = {
  'a template string': () => `${String(secret)} and ${untyped}`,
  concatenation: () => 'the key is ' + untyped,
  JSON: () => JSON.stringify({ deep: [{ secret }] }),
  inspect: () => inspect({ deep: { down: [secret] } }, { depth: 10, showHidden: true }),
  'inspect without its custom function': () => inspect(secret, { customInspect: false, showHidden: true }),
  'console.log': () => format('%s %o %O %j', secret, secret, { secret }, { secret }),
  'the message of an error': () => new Error(`refused ${untyped}`).message,
  'the facts of an error': () => inspect(new DomainError('key_changed', { secret }), { depth: 10, showHidden: true }),
  'a log line': () => {
    const lines: string[] = []
    const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
    log.info({ secret, deep: { err: new DomainError('key_changed', { secret }) } }, `made ${untyped}`)
    log.error(new DomainError('key_changed', { secret }), 'refused')
    return lines.join('')
  },
}

it.each(Object.entries(printed))('does not appear in %s', (_, print) => {
  const text = print()
  expect(text).not.toContain(value)
  expect(text).not.toContain(value.slice(8))
})

it('shows that there is something that is not shown', () => {
  for (const text of [`${untyped}`, JSON.parse(JSON.stringify(secret)), inspect(secret)]) expect(text).toBe('[secret]')
})

it('cannot be copied out by a structured clone', () => {
  expect(inspect(structuredClone(secret), { showHidden: true })).not.toContain(value)
})
