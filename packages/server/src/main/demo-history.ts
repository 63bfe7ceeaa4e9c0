import type { Clock } from '../kernel/clock.ts'
import { disableKey, enableKey } from '../keys/disable-key.ts'
import { editKey } from '../keys/edit-key.ts'
import { issueKey } from '../keys/issue-key.ts'
import { issueManagementKey } from '../keys/management-keys.ts'
import { revokeKey } from '../keys/revoke-key.ts'
import { createOrganization } from '../organizations/create-organization.ts'
import { createProject } from '../organizations/create-project.ts'
import { editOrganization } from '../organizations/edit-organization.ts'
import type { Organization } from '../organizations/organization.ts'
import { rootCaller } from '../people/authenticate.ts'
import type { Call, Ground } from '../people/call.ts'
import { extendKey } from '../rotation/extend-key.ts'
import { type DemoKey, type DemoProject, demoOrganization, demoProjects } from './demo-data.ts'

const dayMs = 86_400_000

/** The real clock, with the database's time in the past for as long as it is moved there. */
export class PastClock implements Clock {
  readonly #clock: Clock
  #behindMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  moveTo(daysAgo: number): void {
    this.#behindMs = daysAgo * dayMs
  }

  wallTime(): number {
    return this.#clock.wallTime()
  }

  monotonic(): number {
    return this.#clock.monotonic()
  }

  databaseTime(reported: number): number {
    return this.#clock.databaseTime(reported - this.#behindMs)
  }
}

/** What happens at a time, and what the demo remembers of it. */
interface Step {
  readonly daysAgo: number
  run(): Promise<void>
}

export interface DemoUse {
  readonly keyId: string
  readonly secretId: string
  readonly daysAgo: number
}

/**
 * Lives through fourteen months in the order in which they happened, each step through the use case that a request would take: dates,
 * audit trail and policy are those of the real thing.
 *
 * @returns when each key was last called
 */
export async function liveThrough(ground: Ground, clock: PastClock): Promise<DemoUse[]> {
  const uses: DemoUse[] = []
  const root: Call = { ...ground, caller: rootCaller, requestId: null, address: null }
  clock.moveTo(425)
  const organization = await createOrganization(root, demoOrganization)
  await editOrganization(root, organization, { policy: { allow_never_expires: true } })
  const callers = {
    console: await automation(root, organization, 'Self-service portal'),
    terraform: await automation(root, organization, 'Terraform'),
  }
  const steps: Step[] = []
  for (const project of demoProjects) {
    clock.moveTo(420)
    const place = await createProject(root, organization, { name: project.name, slug: project.slug })
    for (const wanted of project.keys)
      steps.push(...stepsOf(wanted, place.project, callers[wanted.by ?? 'console'], uses))
  }
  for (const step of steps.sort((a, b) => b.daysAgo - a.daysAgo)) {
    clock.moveTo(step.daysAgo)
    await step.run()
  }
  clock.moveTo(0)
  return uses
}

async function automation(root: Call, organization: Organization, name: string): Promise<Call> {
  const scopes = ['keys:read', 'keys:write', 'verify'] as const
  const { view } = await issueManagementKey(root, organization, {
    name,
    scopes: [...scopes],
    owner: 'platform@northwind-freight.example',
    expires_in: 600 * 86_400,
  })
  const actor = { type: 'management_key', id: view.key.id, name } as const
  const caller = { actor, organizationId: organization.id, projects: null, scopes: new Set(scopes) }
  return { ...root, caller, address: '192.0.2.44' }
}

function stepsOf(
  wanted: DemoKey,
  project: { id: string; organizationId: string },
  call: Call,
  uses: DemoUse[],
): Step[] {
  let keyId = ''
  const step = (daysAgo: number | undefined, run: () => Promise<unknown>): Step[] =>
    daysAgo === undefined ? [] : [{ daysAgo, run: async () => void (await run()) }]
  const create = async () => {
    const { view, secretId } = await issueKey(call, project, {
      name: wanted.name,
      kind: wanted.kind ?? 'secret',
      environment: wanted.environment ?? 'live',
      purpose: wanted.purpose,
      owner: wanted.owner,
      contact: wanted.contact,
      scopes: wanted.scopes,
      allowed_ips: wanted.allowed_ips,
      metadata: wanted.metadata,
      ...(wanted.livesDays !== undefined && { expires_in: wanted.livesDays * 86_400 }),
      ...(wanted.neverExpires && { never_expires: true }),
    })
    keyId = view.key.id
    if (wanted.usedDaysAgo !== undefined) uses.push({ keyId, secretId, daysAgo: wanted.usedDaysAgo })
  }
  const { renamed, extended, revoked } = wanted
  return [
    ...step(wanted.madeDaysAgo, create),
    ...step(renamed?.daysAgo, () => editKey(call, keyId, { name: renamed?.name })),
    ...step(extended?.daysAgo, () =>
      extendKey(call, keyId, { expires_in: ((extended?.endsInDays ?? 0) + (extended?.daysAgo ?? 0)) * 86_400 }),
    ),
    ...step(wanted.disabledDaysAgo, () => disableKey(call, keyId)),
    ...step(wanted.enabledDaysAgo, () => enableKey(call, keyId)),
    ...step(revoked?.daysAgo, () => revokeKey(call, keyId, revoked?.reason ?? null)),
  ]
}

export const countDemoKeys = (projects: readonly DemoProject[] = demoProjects): number =>
  projects.reduce((sum, project) => sum + project.keys.length, 0)
