/**
 * What is to be told to whom, worked out anew and slowly: every secret is looked at every time, nothing is remembered but what was told. It
 * shares no line with the planner, so that what one gets wrong the other does not.
 */
export interface NaiveSecret {
  readonly id: string
  readonly key: NaiveKey
  readonly created: number
  expires: number
  retires: number | null
  overlapStart: number | null
  /** When somebody ended it. */
  ended: number | null
  lastUsed: number | null
  lastRefused: number | null
}

export interface NaiveKey {
  readonly id: string
  readonly org: NaiveOrganization
  readonly owner: string | null
  readonly contact: string | null
  revoked: boolean
  readonly secrets: NaiveSecret[]
}

export interface NaiveOrganization {
  readonly id: string
  readonly thresholds: readonly number[]
  readonly rotateEvery: number | null
  readonly zone: string
  readonly administrators: readonly string[]
  readonly gone: readonly string[]
  readonly fallback: string | null
  /** Time zones that people have set for themselves. */
  readonly zones: ReadonlyMap<string, string>
}

export interface NaiveReminder {
  readonly mark: string
  readonly secret: NaiveSecret
  readonly reason: string
  readonly date: number
  readonly threshold: number
  readonly recipient: string
  readonly sendAt: number
  readonly urgent: boolean
  state: 'planned' | 'sent' | 'failed' | 'quieted' | 'obsolete'
  /** A nearer one of the same date went with it. */
  superseded: boolean
}

const sec = 1000
const hour = 3600 * sec
const day = 24 * hour
const Never = Number.POSITIVE_INFINITY

export const naiveEnd = (one: NaiveSecret): number =>
  [one.expires, one.retires ?? Never, one.ended ?? Never].reduce((a, b) => (a < b ? a : b))

export class NaiveReminders {
  readonly keys: NaiveKey[] = []
  readonly reminders: NaiveReminder[] = []
  /** `action secret threshold`, as the events say it. */
  readonly events: string[] = []
  readonly #told = new Map<string, number>()
  readonly #alerted = new Map<string, number>()
  readonly #quiet = new Set<string>()
  #waiting: NaiveReminder[] = []

  /** What a minute's work comes to. */
  plan(now: number): void {
    for (const key of this.keys) {
      if (key.revoked) continue
      for (const secret of key.secrets) {
        for (const [reason, date, all] of this.#dates(secret, now)) this.#look(secret, reason, date, all, now)
        this.#listen(secret, now)
      }
    }
  }

  acknowledge(secret: NaiveSecret, now: number): void {
    const dates = this.#dates(secret, now).filter(([, date]) => date === naiveEnd(secret))
    for (const [reason, date, all] of dates) {
      this.#quiet.add(`${secret.id} ${date}`)
      for (const one of this.#waiting)
        if (one.secret === secret && one.reason === reason && one.date === date && this.#isFar(one.threshold, all))
          one.state = 'quieted'
    }
    this.#waiting = this.#waiting.filter((one) => one.state === 'planned')
  }

  /** What goes out by now, by recipient; of what does not hold any more, nothing. */
  digests(now: number): NaiveReminder[][] {
    const due = this.#waiting.filter((one) => one.sendAt <= now)
    this.#waiting = this.#waiting.filter((one) => one.sendAt > now)
    const groups = new Map<string, NaiveReminder[]>()
    for (const one of due) {
      const name = `${one.secret.key.org.id} ${one.recipient}`
      groups.set(name, [...(groups.get(name) ?? []), one])
    }
    const mails: NaiveReminder[][] = []
    for (const group of groups.values()) {
      for (const one of group) if (!this.holds(one, now)) one.state = 'obsolete'
      for (const one of group)
        for (const other of group)
          if (
            other.state === 'planned' &&
            one.state === 'planned' &&
            other.secret === one.secret &&
            other.reason === one.reason &&
            other.date === one.date &&
            other.threshold < one.threshold
          ) {
            one.state = 'obsolete'
            one.superseded = true
          }
      const rest = group.filter((one) => one.state === 'planned')
      if (rest.length > 0) mails.push(rest)
    }
    return mails
  }

  holds({ secret, reason, date }: NaiveReminder, now: number): boolean {
    if (secret.key.revoked) return false
    if (reason === 'used_after_end') return true
    if (reason === 'overlap_end' && date <= now) return false
    return this.#dates(secret, now).some(([is, at]) => is === reason && at === date)
  }

  /** Reason, date, and the thresholds in seconds. */
  #dates(secret: NaiveSecret, now: number): [string, number, number[]][] {
    if (secret.ended !== null) return []
    const { org } = secret.key
    const found: [string, number, number[]][] = []
    const end = naiveEnd(secret)
    const successor = secret.key.secrets.find(
      (other) => other !== secret && other.created < end && naiveEnd(other) > end,
    )
    if (secret.retires !== null && successor) {
      const half = Math.floor((end - (secret.overlapStart ?? secret.created)) / 2 / sec)
      found.push(['overlap_end', end, half > 3600 ? [half, 3600] : [half]])
    } else if (end < Never) found.push(['expiry', end, this.#fitting(org, secret.created, end)])
    if (org.rotateEvery !== null && this.#isPrimary(secret, now)) {
      const due = secret.created + org.rotateEvery * sec
      found.push(['rotation_due', due, this.#fitting(org, secret.created, due)])
    }
    return found
  }

  #fitting = (org: NaiveOrganization, from: number, to: number) => [
    ...org.thresholds.filter((threshold) => threshold * sec * 3 <= to - from),
    0,
  ]

  /** The newest one that lives. Nothing is staged here. */
  #isPrimary(secret: NaiveSecret, now: number): boolean {
    const living = secret.key.secrets.filter((one) => naiveEnd(one) > now)
    return living.length > 0 && living.every((one) => one === secret || one.created < secret.created)
  }

  #look(secret: NaiveSecret, reason: string, date: number, thresholds: number[], now: number): void {
    const passed = thresholds.filter((threshold) => date - threshold * sec <= now)
    if (passed.length === 0) return
    const nearest = Math.min(...passed)
    const before = this.#told.get(`${secret.id} ${reason} ${date}`) ?? Never
    if (nearest >= before || now >= date + 7 * day) return
    if (reason === 'overlap_end') {
      if (now >= date) return
      const span = Math.min(day, (date - (secret.overlapStart ?? secret.created)) / 2)
      if (secret.lastUsed === null || secret.lastUsed < now - span) return
    }
    this.#told.set(`${secret.id} ${reason} ${date}`, nearest)
    const quiet = this.#quiet.has(`${secret.id} ${date}`) && this.#isFar(nearest, thresholds)
    this.#tell(secret, reason, date, nearest, quiet, now)
    if (reason !== 'rotation_due')
      this.events.push(`${nearest > 0 ? 'key.expiring' : 'key.expired'} ${secret.id} ${nearest}`)
  }

  /** Neither of the last two, nor that it has come. */
  #isFar(threshold: number, thresholds: readonly number[]): boolean {
    const before = thresholds.filter((one) => one > 0).toSorted((a, b) => a - b)
    return threshold > 0 && threshold !== before[0] && threshold !== before[1]
  }

  #listen(secret: NaiveSecret, now: number): void {
    const end = naiveEnd(secret)
    const { lastRefused } = secret
    if (lastRefused === null || lastRefused < end || lastRefused < now - 7 * day) return
    const before = this.#alerted.get(secret.id)
    if (before !== undefined && (now < before + day || lastRefused <= before)) return
    this.#alerted.set(secret.id, now)
    const threshold = -Math.round((now - end) / sec)
    this.#tell(secret, 'used_after_end', end, threshold, false, now)
    this.events.push(`key.used_after_end ${secret.id} ${threshold}`)
  }

  #tell(secret: NaiveSecret, reason: string, date: number, threshold: number, quiet: boolean, now: number): void {
    const { org, owner, contact } = secret.key
    const people = new Set<string>()
    const there = owner !== null && !org.gone.includes(owner)
    if (there) people.add(owner)
    if (contact !== null) people.add(contact)
    const near = threshold * sec <= 7 * day || reason === 'overlap_end' || reason === 'used_after_end'
    if (near || !there) for (const one of org.administrators) people.add(one)
    if (!there && org.administrators.length === 0 && org.fallback !== null) people.add(org.fallback)
    const common = { secret, reason, date, threshold, superseded: false }
    const mark = (recipient: string) => [secret.id, reason, date, threshold, recipient].join(' ')
    if (people.size === 0)
      this.reminders.push({ ...common, mark: mark(''), recipient: '', sendAt: now, urgent: false, state: 'failed' })
    for (const recipient of people) {
      const morning = nextEight(org.zones.get(recipient) ?? org.zone, now)
      const inUse = secret.lastUsed !== null && secret.lastUsed >= now - 30 * day
      const urgent =
        reason === 'used_after_end' ||
        (reason === 'overlap_end' && threshold <= 3600) ||
        (reason !== 'rotation_due' && ((inUse && date <= now + day) || (date > now && date <= morning)))
      const one: NaiveReminder = {
        ...common,
        mark: mark(recipient),
        recipient,
        sendAt: urgent ? now : morning,
        urgent,
        state: quiet ? 'quieted' : 'planned',
      }
      this.reminders.push(one)
      if (!quiet) this.#waiting.push(one)
    }
  }
}

const clocks = new Map<string, Intl.DateTimeFormat>()
const mornings = new Map<string, number>()

/** By looking at the clock on the wall every quarter of an hour: no zone is off by less. */
function nextEight(zone: string, now: number): number {
  const known = mornings.get(`${zone} ${now}`)
  if (known !== undefined) return known
  const clock =
    clocks.get(zone) ?? new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit' })
  clocks.set(zone, clock)
  const quarter = 15 * 60 * sec
  let moment = Math.ceil((now + 60 * sec) / quarter) * quarter
  while (clock.format(moment) !== '08:00') moment += quarter
  mornings.set(`${zone} ${now}`, moment)
  return moment
}
