import { request } from 'node:http'
import type { ErrorCode, VerdictCode } from '@keyturn/contract'
import type { Keyturn } from '../support/keyturn.ts'

/** Every header that an answer to a proxy has, whatever it says. */
export const answerHeaders = [
  'x-keyturn-code',
  'x-keyturn-hint',
  'x-keyturn-key-id',
  'x-keyturn-key-name',
  'x-keyturn-key-kind',
  'x-keyturn-key-environment',
  'x-keyturn-key-owner',
  'x-keyturn-key-scopes',
  'x-keyturn-key-expires-at',
  'x-keyturn-key-warning',
  'x-keyturn-organization-id',
  'x-keyturn-project-id',
  'x-keyturn-secret-id',
  'x-keyturn-secret-slot',
  'x-keyturn-ratelimit-policy',
  'x-keyturn-ratelimit',
  'x-keyturn-retry-after',
] as const
type AnswerHeader = (typeof answerHeaders)[number]

export interface Told {
  readonly status: number
  readonly code: VerdictCode | ErrorCode
  readonly challenge: string | undefined
  /** Those that came; `missing` names the others. */
  readonly headers: Readonly<Record<AnswerHeader, string>>
  readonly missing: readonly string[]
  readonly text: string
}

export interface Question {
  readonly method?: string
  readonly path?: string
  /** In this order, as they are: a name may come twice. */
  readonly headers?: readonly (readonly [string, string])[]
  readonly body?: Uint8Array
  /** The proxy's own key; the root key unless it is given; null: none. */
  readonly managementKey?: string | null
}

export const bearer = (value: string) => [['Authorization', `Bearer ${value}`]] as const

/** Asks as a proxy would, over a real socket. */
export function ask(keyturn: Keyturn, question: Question = {}): Promise<Told> {
  const { method = 'GET', path = '/v1/authorize', headers = [], body, managementKey = keyturn.rootKey } = question
  const { host, hostname, port } = new URL(keyturn.url)
  const sent = [
    ['Host', host],
    ['Connection', 'close'],
    ...(managementKey === null ? [] : [['X-Keyturn-Management-Key', managementKey]]),
    ...(body === undefined ? [] : [['Content-Length', String(body.length)]]),
    ...headers,
  ]
  return new Promise((resolve, reject) => {
    const asking = request({ hostname, port, path, method, headers: sent.flat() }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      answer.on('error', reject)
      answer.on('end', () => {
        const { date: _, ...got } = answer.headers as Told['headers'] & Record<string, string | undefined>
        resolve({
          status: answer.statusCode ?? 0,
          code: got['x-keyturn-code'] as Told['code'],
          challenge: got['www-authenticate'],
          headers: got,
          missing: answerHeaders.filter((name) => got[name] === undefined),
          text,
        })
      })
    })
    asking.on('error', reject)
    asking.end(body)
  })
}
