import { keyCreate, managementKeyCreate } from '@keyturn/contract'
import type { Clock } from '../kernel/clock.ts'
import { sha256 } from '../kernel/digest.ts'
import { newId } from '../kernel/ids.ts'
import { type Instant, seconds } from '../kernel/instant.ts'
import { disableKey, enableKey } from '../keys/disable-key.ts'
import { editKey } from '../keys/edit-key.ts'
import { type IssuedKey, issueKey } from '../keys/issue-key.ts'
import { listKeys } from '../keys/key-list.ts'
import { issueManagementKey } from '../keys/management-keys.ts'
import { deleteKey, revokeKey } from '../keys/revoke-key.ts'
import { Limits } from '../limits/limits.ts'
import { QuotaBlocks } from '../limits/quota-blocks.ts'
import { createOrganization } from '../organizations/create-organization.ts'
import { createProject } from '../organizations/create-project.ts'
import { editOrganization } from '../organizations/edit-organization.ts'
import { editProject } from '../organizations/edit-project.ts'
import { findProject } from '../organizations/find.ts'
import type { Organization } from '../organizations/organization.ts'
import { authenticate, rootCaller } from '../people/authenticate.ts'
import type { Call, Ground } from '../people/call.ts'
import { extendKey } from '../rotation/extend-key.ts'
import type { UseCollector } from '../usage/use-collector.ts'
import { DatabaseTime } from '../verification/database-time.ts'
import { Lease } from '../verification/lease.ts'
import { RecordCache } from '../verification/record-cache.ts'
import { RecordLoader } from '../verification/record-loader.ts'
import { Verifier } from '../verification/verifier.ts'
import type { DemoClock } from './demo-clock.ts'
import {
  type DemoActor,
  type DemoKey,
  type DemoProject,
  demoManagementKeys,
  demoOrganization,
  demoRules,
} from './demo-data.ts'
import { demoProjects } from './demo-projects.ts'

const dayMs = 86_400_000
const hourMs = 3_600_000

/** When it began: the installation is as old as its first organization. */
export const demoBeginsDaysAgo = 425

interface Step {
  readonly at: Instant
  run(): Promise<unknown>
}

/**
 * Fourteen months in the order in which they happened, each step through the use case that a request would take, by somebody who
 * may: dates, audit trail and policy are those of the real thing.
 */
export async function liveThrough(ground: Ground, clock: DemoClock, uses: UseCollector, now: Instant): Promise<void> {
  const company = new Company(ground, uses, now, clock)
  clock.moveTo(company.moment(demoBeginsDaysAgo - 0.1, 'founded'))
  await company.found()
  let last: Instant = 0
  for (const step of company.steps().sort((a, b) => a.at - b.at)) {
    // Never two things at once, nor one before what it follows from.
    last = Math.max(step.at, last + 1_000)
    clock.moveTo(last)
    await step.run()
  }
  await uses.flush()
  clock.moveTo(null)
}

class Company {
  readonly #ground: Ground
  readonly #verifier: Verifier
  readonly #uses: UseCollector
  readonly #now: Instant
  readonly #bearers = new Map<DemoActor, IssuedKey>()
  #organization: Organization | null = null

  constructor(ground: Ground, uses: UseCollector, now: Instant, clock: Clock) {
    this.#ground = ground
    this.#verifier = forgetfulVerifier(ground, uses, clock)
    this.#uses = uses
    this.#now = now
  }

  async found(): Promise<void> {
    this.#organization = await createOrganization(await this.#call('root'), demoOrganization)
  }

  steps(): Step[] {
    const actors: DemoActor[] = ['ada', 'gateway', 'marcus', 'console', 'terraform', 'auditors']
    return [
      ...actors.flatMap((actor) => this.#managementSteps(actor)),
      ...demoRules.map((rule) =>
        this.#step(rule.daysAgo, JSON.stringify(rule), async () => {
          const call = await this.#call('ada')
          if (!('project' in rule)) return editOrganization(call, this.#founded(), { policy: rule.policy })
          return editProject(call, await findProject(call, rule.project), { api_access: rule.api_access })
        }),
      ),
      ...demoProjects.flatMap((project) => this.#projectSteps(project)),
    ]
  }

  #managementSteps(actor: DemoActor): Step[] {
    const { wanted, madeDaysAgo, livesDays, usedDaysAgo, revoked } = demoManagementKeys[actor]
    const make = async () => {
      const maker = await this.#call(actor === 'ada' || actor === 'gateway' ? 'root' : 'ada')
      const body = managementKeyCreate.parse({ ...wanted, expires_in: livesDays * 86_400 })
      const issued = await issueManagementKey(maker, this.#founded(), body)
      this.#bearers.set(actor, issued)
      this.#use(issued, usedDaysAgo, wanted.name)
    }
    const steps = [this.#step(madeDaysAgo, wanted.name, make)]
    if (revoked) {
      const revoke = async () => revokeKey(await this.#call('ada'), this.#idOf(actor), revoked.reason)
      steps.push(this.#step(revoked.daysAgo, wanted.name, revoke))
    }
    return steps
  }

  #projectSteps({ name, slug, madeDaysAgo, legacyUsedDaysAgo, keys }: DemoProject): Step[] {
    const make = async () => {
      const call = await this.#call('ada')
      const { project } = await createProject(call, this.#founded(), { name, slug })
      if (legacyUsedDaysAgo === undefined) return
      const scope = { organizationId: project.organizationId, projectId: project.id }
      const { views } = await listKeys(call, scope, { status: ['active'], sort: 'created_at', limit: 1 })
      for (const { key, secrets } of views)
        for (const { id } of secrets)
          this.#uses.note(key.id, id, 'VALID', this.moment(legacyUsedDaysAgo, slug), null, null)
    }
    return [this.#step(madeDaysAgo, slug, make), ...keys.flatMap((key) => this.#keySteps(slug, key))]
  }

  #keySteps(slug: string, wanted: DemoKey): Step[] {
    const { name, by, owner, madeDaysAgo, livesDays, neverExpires, usedDaysAgo } = wanted
    const { edited, extended, revoked, disabledDaysAgo, enabledDaysAgo, deletedDaysAgo } = wanted
    const { kind, environment, purpose, contact, scopes, allowed_ips, metadata, rate_limit, quota } = wanted
    let id = ''
    const make = async () => {
      const call = await this.#call(by ?? 'console')
      const issued = await issueKey(
        call,
        await findProject(call, slug),
        keyCreate.parse({
          name,
          kind,
          environment,
          purpose,
          owner,
          contact,
          scopes,
          allowed_ips,
          metadata,
          rate_limit,
          quota,
          ...(livesDays !== undefined && { expires_in: livesDays * 86_400 }),
          ...(neverExpires && { never_expires: true }),
        }),
      )
      id = issued.view.key.id
      if (usedDaysAgo !== undefined) this.#use(issued, usedDaysAgo, name)
    }
    const then = (daysAgo: number | undefined, change: (call: Call) => Promise<unknown>) =>
      daysAgo === undefined
        ? []
        : [
            this.#step(daysAgo, name, async () =>
              change(await this.#call(by === 'terraform' || deletedDaysAgo !== undefined ? (by ?? 'console') : 'ada')),
            ),
          ]
    return [
      this.#step(madeDaysAgo, name, make),
      ...then(edited?.daysAgo, (call) => {
        const { daysAgo: _, ...edit } = edited ?? {}
        return editKey(call, id, edit)
      }),
      ...then(extended?.daysAgo, (call) =>
        extendKey(call, id, { expires_in: ((extended?.endsInDays ?? 0) + (extended?.daysAgo ?? 0)) * 86_400 }),
      ),
      ...then(disabledDaysAgo, (call) => disableKey(call, id)),
      ...then(enabledDaysAgo, (call) => enableKey(call, id)),
      ...then(deletedDaysAgo, (call) => deleteKey(call, id, 'DELETE')),
      ...then(revoked?.daysAgo, (call) => revokeKey(call, id, revoked?.reason ?? null)),
    ]
  }

  #step(daysAgo: number, what: string, run: () => Promise<unknown>): Step {
    return { at: this.moment(daysAgo, what), run }
  }

  /**
   * Older than two days: within office hours, an earlier hour for a larger fraction of the day; whole days get an hour of their own
   * from what happened then.
   */
  moment(daysAgo: number, what: string): Instant {
    if (daysAgo < 2) return this.#now - Math.round(daysAgo * dayMs)
    const [first = 0, second = 0, third = 0] = sha256(what)
    const days = Math.floor(daysAgo)
    const fraction = days === daysAgo ? first / 256 : daysAgo - days
    const midnight = Math.floor((this.#now - days * dayMs) / dayMs) * dayMs
    return midnight + 7 * hourMs + Math.round((1 - fraction) * 10 * hourMs) + seconds(second) + third * 3
  }

  #use({ view, secretId }: IssuedKey, daysAgo: number, what: string): void {
    this.#uses.note(view.key.id, secretId, 'VALID', this.moment(daysAgo, what), null, null)
  }

  /** Each call comes with its key, as over HTTP: who has lost theirs is refused. */
  async #call(actor: DemoActor | 'root'): Promise<Call> {
    const now = await this.#ground.now(this.#ground.reader)
    const requestId = newId('request', now)
    if (actor === 'root') return { ...this.#ground, caller: rootCaller, requestId, address: '198.51.100.5' }
    const { address } = demoManagementKeys[actor]
    const bearer = this.#bearers.get(actor)?.value.reveal() ?? ''
    const { caller } = await authenticate(this.#verifier, bearer, address)
    return { ...this.#ground, caller, requestId, address }
  }

  #founded(): Organization {
    if (!this.#organization) throw new Error('the company is not founded yet')
    return this.#organization
  }

  #idOf(actor: DemoActor): string {
    return this.#bearers.get(actor)?.view.key.id ?? ''
  }
}

/** Asks the database each time: in the past there is no change feed that would keep a memory true. */
function forgetfulVerifier({ reader, keyPrefix }: Ground, uses: UseCollector, clock: Clock): Verifier {
  const cache = new RecordCache(0, 0)
  const state = { applied: () => 0, mayRemember: () => false, monotonic: () => clock.monotonic() }
  const time = new DatabaseTime(clock)
  const quotas = new QuotaBlocks({ reader, now: () => time.now(), onTrouble: () => {} })
  return new Verifier({
    cache,
    loader: new RecordLoader(reader, cache, state),
    lease: new Lease(clock, 0),
    time,
    clock,
    limits: new Limits(quotas, null),
    keyPrefix,
    noteUse: uses.note.bind(uses),
  })
}
