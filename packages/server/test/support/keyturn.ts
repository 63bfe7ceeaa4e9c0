import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Key, Organization, Project, Secret, Verdict } from '@keyturn/contract'
import { pino } from 'pino'
import { MasterKey } from '../../src/kernel/master-key.ts'
import { SecretValue } from '../../src/kernel/secret-value.ts'
import { readSettings } from '../../src/main/settings.ts'
import { groundOf, serve } from '../../src/main/start.ts'
import { rootCaller } from '../../src/people/authenticate.ts'
import type { Call, Ground } from '../../src/people/call.ts'
import { install } from '../../src/people/install.ts'
import type { Database } from '../../src/storage/database.ts'
import type { Engine } from './engines.ts'
import { TestClock } from './test-clock.ts'

export interface Answer<B = any> {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly body: B
}

export interface RequestOptions {
  /** Sent as JSON. */
  readonly body?: unknown
  /** Sent as it is. */
  readonly raw?: string | Uint8Array<ArrayBuffer>
  /** The bearer; the root key unless it is given; null: none. */
  readonly key?: string | null
  readonly headers?: Record<string, string>
}

/** A Keyturn that answers on a real socket, on a database of its own, with a clock that can be moved. */
export interface Keyturn {
  readonly url: string
  /** Made when something is put there. */
  readonly dataDir: string
  /** What a browser says where requests of our own pages come from. */
  readonly origin: string
  readonly rootKey: string
  readonly masterKey: MasterKey
  readonly database: Database
  readonly ground: Ground
  /** For use cases called directly, as the root key. */
  readonly rootCall: Call
  readonly clock: TestClock
  /** All that was logged. */
  readonly log: string[]
  request<B = any>(method: string, path: string, options?: RequestOptions): Promise<Answer<B>>
  createOrganization(fields?: object): Promise<Organization>
  /** @param org id or slug */
  createProject(org: string, fields?: object): Promise<Project>
  /** @param project id or slug */
  createKey(project: string, fields?: object): Promise<{ key: Key; secret: Secret & { value: string } }>
  createManagementKey(org: string, fields?: object): Promise<{ key: Key; secret: Secret & { value: string } }>
  verify(value: string, demand?: object): Promise<Verdict>
  stop(): Promise<void>
}

let made = 0

export async function openKeyturn(engine: Engine, environment: Record<string, string> = {}): Promise<Keyturn> {
  const clock = new TestClock()
  const database = await engine.open(clock)
  const dataDir = path.join(tmpdir(), `keyturn-${randomBytes(8).toString('hex')}`)
  const settings = readSettings({ KEYTURN_PORT: '0', KEYTURN_DATA_DIR: dataDir, ...environment }, '/nowhere')
  const masterKey = new MasterKey(randomBytes(32))
  const ground = groundOf(database, settings, masterKey)
  const rootKey = `kt_root_${randomBytes(24).toString('hex')}`
  await install(ground, masterKey, { set: null, make: () => ({ value: new SecretValue(rootKey), keep: () => {} }) })
  const log: string[] = []
  const logger = pino({ level: 'trace' }, { write: (line: string) => void log.push(line) })
  const { address, stop } = await serve(database, masterKey, settings, clock, logger)
  const url = address.replace('localhost', '127.0.0.1')

  async function request<B = any>(method: string, path: string, options: RequestOptions = {}): Promise<Answer<B>> {
    const key = options.key === undefined ? rootKey : options.key
    const body = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body))
    const response = await fetch(`${url}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(body === undefined ? {} : { body }),
    })
    const text = await response.text()
    const isJson = text !== '' && /json(;|$)/.test(response.headers.get('content-type') ?? '')
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined }
  }

  async function create<B>(path: string, body: object): Promise<B> {
    const answer = await request<B>('POST', path, { body })
    if (answer.status !== 201) throw new Error(`POST ${path} gave ${answer.status}: ${answer.text}`)
    return answer.body
  }

  return {
    url,
    dataDir,
    origin: settings.publicUrl.startsWith('https:') ? new URL(settings.publicUrl).origin : url,
    rootKey,
    masterKey,
    database,
    ground,
    rootCall: { ...ground, caller: rootCaller, requestId: 'req_test', address: '127.0.0.1' },
    clock,
    log,
    request,
    createOrganization: (fields) => create('/v1/organizations', { name: `Organization ${++made}`, ...fields }),
    createProject: (org, fields) =>
      create(`/v1/organizations/${org}/projects`, { name: `Project ${++made}`, ...fields }),
    createKey: (project, fields) =>
      create(`/v1/projects/${project}/keys`, { name: `Integration ${++made}`, ...fields }),
    createManagementKey: (org, fields) =>
      create(`/v1/organizations/${org}/management-keys`, {
        name: `Automation ${++made}`,
        scopes: ['keys:read'],
        ...fields,
      }),
    verify: async (value, demand) =>
      (await request<Verdict>('POST', '/v1/verify', { body: { key: value, ...demand } })).body,
    stop: async () => {
      await stop()
      await database.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
