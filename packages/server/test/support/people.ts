import { createHmac } from 'node:crypto'
import type { ProjectRole, Role } from '@keyturn/contract'
import { sql } from 'kysely'
import { newId } from '../../src/kernel/ids.ts'
import { setUpLink } from '../../src/people/set-up.ts'
import { goodPassword } from './good-password.ts'
import type { Answer, Keyturn, RequestOptions } from './keyturn.ts'

export { goodPassword } from './good-password.ts'

let met = 0
export const newEmail = (name = 'person') => `${name}-${++met}@example.com`

/** A browser that keeps its cookies, and says where its requests come from. */
export class Person {
  readonly #keyturn: Keyturn
  readonly cookies = new Map<string, string>()
  /** Every `Set-Cookie` that it was sent. */
  readonly setCookies: string[] = []
  id = ''
  email = ''

  constructor(keyturn: Keyturn) {
    this.#keyturn = keyturn
  }

  get cookie(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  async request<B = any>(method: string, path: string, options: RequestOptions = {}): Promise<Answer<B>> {
    const headers = {
      ...(this.cookies.size > 0 ? { cookie: this.cookie } : {}),
      origin: this.#keyturn.origin,
      ...options.headers,
    }
    const answer = await this.#keyturn.request<B>(method, path, { key: null, ...options, headers })
    for (const line of answer.headers.getSetCookie()) {
      this.setCookies.push(line)
      const [name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line)?.slice(1) ?? []
      if (value === '' || /max-age=0/i.test(line)) this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    return answer
  }

  /** As a page without scripts does it. */
  submit(path: string, fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> {
    return this.request('POST', path, {
      raw: new URLSearchParams(fields).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    })
  }

  async signIn(email = this.email, password = goodPassword): Promise<Answer> {
    this.email = email
    const answer = await this.request('POST', '/v1/sign-in', { body: { email, password } })
    this.id = answer.body?.person?.id ?? this.id
    return answer
  }
}

const stepMs = 30_000

/** RFC 6238 with the defaults of every authenticator: SHA-1, 30 seconds, six digits. */
export class Authenticator {
  readonly #key: Buffer
  #lastStep = 0

  /** @param uri otpauth:// */
  constructor(uri: string) {
    const secret = new URL(uri).searchParams.get('secret') ?? ''
    const bits = [...secret]
      .map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'))
      .join('')
    this.#key = Buffer.from((bits.match(/.{8}/g) ?? []).map((octet) => Number.parseInt(octet, 2)))
  }

  codeAt(time: number): string {
    const counter = Buffer.alloc(8)
    counter.writeBigUInt64BE(BigInt(Math.floor(time / stepMs)))
    const mac = createHmac('sha1', this.#key).update(counter).digest()
    const offset = (mac.at(-1) ?? 0) & 15
    return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0')
  }

  /** One that was not used before: of now, then of the step to come, which a clock that is behind still takes. */
  nextCode(): string {
    this.#lastStep = Math.max(this.#lastStep + 1, Math.floor(Date.now() / stepMs))
    return this.codeAt(this.#lastStep * stepMs)
  }
}

export const tokenOf = (url: string): string => new URL(url).searchParams.get('token') ?? ''

/** The first owner, of the organization `default`. */
export async function setUpOwner(keyturn: Keyturn, email = newEmail('owner')): Promise<Person> {
  const owner = new Person(keyturn)
  const now = await keyturn.ground.now(keyturn.ground.reader)
  const token = tokenOf(setUpLink(keyturn.masterKey, keyturn.url, now))
  const body = { token, name: 'Olga Owner', email, password: goodPassword }
  const answer = await owner.request('POST', '/v1/set-up', { body })
  if (answer.status !== 200) throw new Error(`set-up gave ${answer.status}: ${answer.text}`)
  owner.email = email
  owner.id = answer.body.person.id
  return owner
}

export interface WantedRoles {
  readonly role?: Role | null
  readonly projects?: readonly { project: string; role: ProjectRole }[]
}

/** Somebody who was invited with the root key, and has accepted. @param org id or slug */
export async function join(keyturn: Keyturn, org: string, roles: WantedRoles, email = newEmail()): Promise<Person> {
  const invited = await keyturn.request('POST', `/v1/organizations/${org}/invitations`, { body: { email, ...roles } })
  if (invited.status !== 201) throw new Error(`an invitation gave ${invited.status}: ${invited.text}`)
  return accept(keyturn, invited.body.url, email)
}

export async function accept(keyturn: Keyturn, url: string, email: string): Promise<Person> {
  const person = new Person(keyturn)
  const body = { token: tokenOf(url), name: 'Pat Person', password: goodPassword }
  const answer = await person.request('POST', '/v1/invitations/accept', { body })
  if (answer.status !== 200) throw new Error(`accepting gave ${answer.status}: ${answer.text}`)
  person.email = email
  person.id = answer.body.person.id
  return person
}

/** Straight into the tables: hashing a password for each would take longer than the tests. They cannot sign in. */
export async function addMember(
  { database: { reader } }: Pick<Keyturn, 'database'>,
  organizationId: string,
  email: string,
  role: Role,
): Promise<string> {
  const at = sql<number>`now()`
  const id = newId('person', Date.now())
  const person = { id, name: 'Pat Person', email, email_verified: true, image: null, created_at: at, updated_at: at }
  await reader.insertInto('people').values(person).execute()
  const member = { organization_id: organizationId, person_id: id, role, via: 'invitation' as const, joined_at: at }
  await reader.insertInto('members').values(member).execute()
  return id
}
