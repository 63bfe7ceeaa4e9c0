import type { KeyCreate, KeyEdit, ManagementKeyCreate, OrganizationPolicyEdit } from '@keyturn/contract'

/**
 * A company that does not exist, and what its keys went through in fourteen months. Everything is in days before now, so that the
 * demo is as fresh as the day it is made on.
 */
export const demoOrganization = {
  name: 'Northwind Freight',
  slug: 'northwind-freight',
  external_id: 'acct_20418',
  notification_email: 'platform@northwind-freight.example',
}

export const [ada, tomas, priya, jun] = [
  'ada.lindqvist@northwind-freight.example',
  'tomas.reyes@northwind-freight.example',
  'priya.nair@northwind-freight.example',
  'jun.takeda@northwind-freight.example',
] as const
/** Left 92 days ago; keys still bear his name. */
export const marcus = 'marcus.bell@northwind-freight.example'
export const team = { platform: demoOrganization.notification_email, partners: 'partners@northwind-freight.example' }

/** As days. */
export const minutes = (count: number): number => count / 1440
export const hours = (count: number): number => count / 24

/** Those who act, each with a management key of its own. */
export type DemoActor = 'ada' | 'marcus' | 'console' | 'terraform' | 'gateway' | 'auditors'

export interface DemoManagementKey {
  readonly madeDaysAgo: number
  readonly livesDays: number
  /** Where it calls from. */
  readonly address: string
  readonly usedDaysAgo: number
  readonly wanted: Pick<ManagementKeyCreate, 'name' | 'scopes'> & Partial<ManagementKeyCreate>
  readonly revoked?: { readonly daysAgo: number; readonly reason: string }
}

export const demoManagementKeys: Readonly<Record<DemoActor, DemoManagementKey>> = {
  ada: {
    madeDaysAgo: 424.8,
    livesDays: 720,
    address: '198.51.100.23',
    usedDaysAgo: hours(3),
    wanted: {
      name: 'Ada Lindqvist, administrator',
      owner: ada,
      scopes: ['keys:read', 'keys:write', 'projects:write', 'policy:write', 'audit:read', 'management:write'],
    },
  },
  gateway: {
    madeDaysAgo: 424.7,
    livesDays: 700,
    address: '203.0.113.200',
    usedDaysAgo: minutes(1),
    wanted: {
      name: 'API gateway, verify',
      purpose: 'Asks for every call. Without it none passes.',
      owner: jun,
      contact: team.platform,
      scopes: ['verify'],
    },
  },
  marcus: {
    madeDaysAgo: 423,
    livesDays: 365,
    address: '198.51.100.31',
    usedDaysAgo: 92.4,
    wanted: { name: 'Marcus Bell, integrations', owner: marcus, scopes: ['keys:read', 'keys:write', 'audit:read'] },
    revoked: { daysAgo: 92, reason: 'Marcus Bell has left' },
  },
  console: {
    madeDaysAgo: 422,
    livesDays: 600,
    address: '192.0.2.44',
    usedDaysAgo: minutes(12),
    wanted: {
      name: 'Self-service portal',
      purpose: 'Colleagues ask for keys on the intranet',
      owner: jun,
      contact: team.platform,
      scopes: ['keys:read', 'keys:write'],
    },
  },
  terraform: {
    madeDaysAgo: 421,
    livesDays: 600,
    address: '192.0.2.80',
    usedDaysAgo: hours(7),
    wanted: {
      name: 'Terraform, infrastructure repository',
      owner: jun,
      contact: team.platform,
      scopes: ['keys:read', 'keys:write'],
      allowed_ips: ['192.0.2.80/28'],
    },
  },
  auditors: {
    madeDaysAgo: 24.2,
    livesDays: 30,
    address: '203.0.113.140',
    usedDaysAgo: 3.2,
    wanted: {
      name: 'Brandt & Partner, read only',
      purpose: 'Yearly review of access',
      owner: 'audit@brandt-partner.example',
      contact: 'finance@northwind-freight.example',
      scopes: ['keys:read', 'audit:read'],
    },
  },
}

const day = 86_400

/** What Ada changed for all keys, or switched for a project. */
export type DemoRule = { readonly daysAgo: number } & (
  | { readonly policy: OrganizationPolicyEdit }
  | { readonly project: string; readonly api_access: boolean }
)

export const demoRules: readonly DemoRule[] = [
  { daysAgo: 423.5, policy: { allow_never_expires: true } },
  { daysAgo: 209, policy: { allow_never_expires: false, max_lifetime: 540 * day } },
  // The leaked key: everything off until it is known which one it was.
  { daysAgo: 200.45, project: 'rates', api_access: false },
  { daysAgo: 200.35, project: 'rates', api_access: true },
  { daysAgo: 64, policy: { idle_after: 60 * day } },
]

export interface DemoProject {
  readonly name: string
  readonly slug: string
  readonly madeDaysAgo: number
  /** When its legacy key was last called; left out: never. */
  readonly legacyUsedDaysAgo?: number
  readonly keys: readonly DemoKey[]
}

export interface DemoKey
  extends Partial<
    Pick<
      KeyCreate,
      'kind' | 'environment' | 'purpose' | 'contact' | 'scopes' | 'allowed_ips' | 'metadata' | 'rate_limit' | 'quota'
    >
  > {
  readonly name: string
  readonly owner?: string | null
  readonly madeDaysAgo: number
  /** How long it was given; left out: the policy's year. */
  readonly livesDays?: number
  readonly neverExpires?: boolean
  /** Days before now at which it was last called; left out: never. */
  readonly usedDaysAgo?: number
  /** Who made it; later changes are Ada's where it was a person, else the same one's. Left out: the self-service portal. */
  readonly by?: 'marcus' | 'terraform'
  readonly edited?: { readonly daysAgo: number } & KeyEdit
  readonly extended?: { readonly daysAgo: number; readonly endsInDays: number }
  readonly disabledDaysAgo?: number
  readonly enabledDaysAgo?: number
  readonly deletedDaysAgo?: number
  readonly revoked?: { readonly daysAgo: number; readonly reason: string }
}
