import { createHash } from 'node:crypto'
import { genesisHash, linkOf } from '../audit/chain.ts'
import { type Instant, never, parseInstant } from '../kernel/instant.ts'
import {
  isRecord,
  type LineOf,
  LineRefused,
  type RecordKind,
  type RecordLine,
  readEventBody,
  readLine,
  recordKinds,
} from './lines.ts'

/** A line as it was sent, without its line end. */
export interface SentLine {
  /** From 1. */
  readonly number: number
  readonly octets: Uint8Array
  /** It has a line end. */
  readonly isWhole: boolean
}

/** An export that lies somewhere, to be read any number of times. */
export type SentExport = () => AsyncIterable<SentLine>

/** What a whole file comes to. */
export interface CheckedExport {
  readonly organization: LineOf<'organization'>
  readonly projects: ReadonlyMap<string, LineOf<'project'>>
  readonly channels: ReadonlyMap<string, LineOf<'channel'>>
  readonly members: ReadonlyMap<string, LineOf<'member'>>
  /** Is this line the last one of its key or credential? */
  readonly isLast: (number: number, record: RecordLine) => boolean
  readonly head: { readonly sequence: number; readonly hash: Uint8Array }
  readonly lineOf: { readonly organization: number; readonly projects: ReadonlyMap<string, number> }
}

/**
 * Everything about an export that can be told without the database: that it is whole and unaltered, that every line is one, that
 * what they name is there, and that its trail is an unbroken chain. Of keys and credentials nothing is kept but the ids of those that
 * come twice: that they come once before the trail is seen by their order.
 *
 * @throws LineRefused with the first line that cannot be taken, and why
 */
export async function checkExport(sent: SentExport, now: Instant): Promise<CheckedExport> {
  const check = new ExportCheck(now)
  for await (const line of sent()) check.take(line)
  return check.finish()
}

class ExportCheck {
  readonly #now: Instant
  readonly #sum = createHash('sha256')
  #number = 0
  #organizationId: string | null = null
  #organization: { line: LineOf<'organization'>; number: number } | null = null
  readonly #projects = new Map<string, LineOf<'project'>>()
  readonly #projectLines = new Map<string, number>()
  readonly #channels = new Map<string, LineOf<'channel'>>()
  readonly #members = new Map<string, LineOf<'member'>>()
  /** Where each project was named first. */
  readonly #named = new Map<string, { number: number; field: string }>()
  readonly #legacyKeys = new Map<string, string>()
  /** Of records after the first event, the number of their last line. */
  readonly #again = new Map<string, number>()
  /** Of the records before it, the last one. */
  #last: { kind: RecordKind; id: string } | null = null
  #audit = { sequence: 0, hash: genesisHash }
  #ended = false

  constructor(now: Instant) {
    this.#now = now
  }

  take({ number, octets, isWhole }: SentLine): void {
    this.#number = number
    if (this.#ended) throw new LineRefused(number, 'comes after the end')
    if (!isWhole) throw new LineRefused(number, 'has no line end: the file was cut off')
    const line = readLine(number, octets)
    if (line.type === 'end') return this.#takeEnd(line)
    this.#sum.update(octets)
    this.#sum.update('\n')
    if ((number === 1) !== (line.type === 'export'))
      throw new LineRefused(number, 'an export begins with a line of type export, and has one of them', 'type')
    if (line.type === 'export') this.#organizationId = line.organization_id
    else if (line.type === 'audit_event') this.#takeEvent(line)
    else if (isRecord(line)) this.#takeRecord(line)
    else (line.of === 'channel' ? this.#channels : this.#members).delete(line.id)
  }

  #takeEvent(line: LineOf<'audit_event'>): void {
    const sequence = this.#audit.sequence + 1
    if (line.sequence !== sequence) throw this.#refuse(`must be ${sequence}: events come without a gap`, 'sequence')
    const hash = linkOf(this.#audit.hash, sequence, line.body)
    if (hex(hash) !== line.hash) throw this.#refuse('is not that of this event after the one before it', 'hash')
    if (readEventBody(this.#number, line).organization_id !== this.#organizationId)
      throw this.#refuse('is of another organization', 'body.organization_id')
    this.#audit = { sequence, hash }
  }

  #takeRecord(record: RecordLine): void {
    if (this.#audit.sequence > 0) this.#again.set(`${record.type} ${record.id}`, this.#number)
    else this.#requireOrder(record)
    switch (record.type) {
      case 'organization':
        if (record.id !== this.#organizationId) throw this.#refuse('is not that of the first line', 'id')
        this.#organization = { line: record, number: this.#number }
        break
      case 'project':
        this.#takeProject(record)
        break
      case 'key':
        this.#takeKey(record)
        break
      case 'tracked_credential':
        if (record.project_id !== null) this.#name(record.project_id, 'project_id')
        break
      case 'channel':
        if (
          (record.url !== null) !== (record.kind === 'webhook') ||
          (record.address !== null) !== (record.kind === 'email')
        )
          throw this.#refuse('a webhook has a url, a mailbox an address', record.kind === 'webhook' ? 'url' : 'address')
        this.#channels.set(record.id, record)
        break
      case 'member':
        for (const { project_id } of record.projects) this.#name(project_id, 'projects')
        this.#members.set(record.id, record)
    }
  }

  /** By kind, then by id: so none is there twice. */
  #requireOrder({ type: kind, id }: RecordLine): void {
    const last = this.#last
    const isLater = last && recordKinds.indexOf(kind) > recordKinds.indexOf(last.kind)
    if (last && !isLater && (kind !== last.kind || id <= last.id))
      throw this.#refuse(`is out of order after ${last.kind} ${last.id}`, 'id')
    this.#last = { kind, id }
  }

  #takeProject(record: LineOf<'project'>): void {
    const former = this.#projects.get(record.id)
    if (former && former.management !== record.management) throw this.#refuse('cannot change', 'management')
    const renewal = [record.renewal_requested_at, record.renewal_by, record.renewal_reason]
    if (new Set(renewal.map((part) => part === null)).size > 1)
      throw this.#refuse('is there with the other two, or not at all', 'renewal_reason')
    this.#projects.set(record.id, record)
    this.#projectLines.set(record.id, this.#number)
  }

  #takeKey(record: LineOf<'key'>): void {
    this.#name(record.project_id, 'project_id')
    if (time(record.first_end_at) > time(record.last_end_at)) throw this.#refuse('is after the last', 'first_end_at')
    if (record.legacy) {
      const other = this.#legacyKeys.get(record.project_id) ?? record.id
      if (other !== record.id) throw this.#refuse(`is that of ${other} too: a project has one`, 'legacy')
      if (record.state !== 'active') throw this.#refuse('a legacy key is active', 'state')
      this.#legacyKeys.set(record.project_id, record.id)
    }
    const live = record.secrets.filter((secret, index) => this.#takeSecret(record, secret, `secrets.${index}`))
    if (live.length > new Set(live.map(({ slot }) => slot)).size)
      throw this.#refuse('has more live secrets than slots', 'secrets')
  }

  /** @returns whether it is live */
  #takeSecret(key: LineOf<'key'>, secret: LineOf<'key'>['secrets'][number], field: string): boolean {
    if (secret.retires_at !== null && time(secret.retires_at) > time(secret.expires_at))
      throw this.#refuse('is after expires_at', `${field}.retires_at`)
    if ((secret.ended_at === null) !== (secret.ended_by === null))
      throw this.#refuse('is there with ended_at, or not at all', `${field}.ended_by`)
    if (secret.value !== null && key.kind !== 'publishable')
      throw this.#refuse('must be null: an export has no secrets', `${field}.value`)
    const ends = [secret.expires_at, secret.retires_at, secret.ended_at].flatMap((end) =>
      end === null ? [] : [time(end)],
    )
    return Math.min(...ends) > this.#now
  }

  #takeEnd({ lines, sha256, audit }: LineOf<'end'>): void {
    if (lines !== this.#number - 1) throw this.#refuse(`must be ${this.#number - 1}: so many came before`, 'lines')
    if (sha256 !== this.#sum.digest('hex'))
      throw this.#refuse('is not that of the lines before: some of them were altered', 'sha256')
    if (audit.sequence !== this.#audit.sequence || audit.hash !== hex(this.#audit.hash))
      throw this.#refuse('is not the last event of the trail', 'audit')
    this.#ended = true
  }

  /** @throws LineRefused where it is not the whole of an export */
  finish(): CheckedExport {
    if (!this.#ended) throw new LineRefused(this.#number + 1, 'is missing: the file was cut off before its end')
    const organization = this.#organization
    if (!organization) throw this.#refuse('there is no organization in it')
    const hidden = [...this.#projects.values()].filter(({ management }) => management)
    if (hidden.length !== 1) throw this.#refuse('there is not one project for management keys in it')
    for (const [id, { number, field }] of this.#named)
      if (!this.#projects.has(id)) throw new LineRefused(number, `${id} is not in the export`, field)
    return {
      organization: organization.line,
      projects: this.#projects,
      channels: this.#channels,
      members: this.#members,
      isLast: (number, { type, id }) => (this.#again.get(`${type} ${id}`) ?? number) === number,
      head: this.#audit,
      lineOf: { organization: organization.number, projects: this.#projectLines },
    }
  }

  #name(id: string, field: string): void {
    if (!this.#named.has(id)) this.#named.set(id, { number: this.#number, field })
  }

  #refuse(detail: string, field: string | null = null): LineRefused {
    return new LineRefused(this.#number, detail, field)
  }
}

const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex')

const time = (text: string): Instant =>
  text === 'infinity' ? never : text === '-infinity' ? -never : parseInstant(text)
