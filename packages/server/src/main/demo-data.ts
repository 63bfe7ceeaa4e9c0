import type { KeyCreate } from '@keyturn/contract'

/**
 * A company that does not exist, and what its keys went through in fourteen months. Everything is in days before now, so that the
 * demo is as fresh as the day it is made on.
 */
export interface DemoKey
  extends Partial<
    Pick<KeyCreate, 'kind' | 'environment' | 'purpose' | 'contact' | 'scopes' | 'allowed_ips' | 'metadata'>
  > {
  readonly name: string
  readonly owner?: string | null
  readonly madeDaysAgo: number
  /** How long it was given; left out: the policy's year. */
  readonly livesDays?: number
  readonly neverExpires?: boolean
  /** Days before now at which it was last called; left out: never. */
  readonly usedDaysAgo?: number
  readonly by?: 'console' | 'terraform'
  readonly renamed?: { readonly daysAgo: number; readonly name: string }
  readonly extended?: { readonly daysAgo: number; readonly endsInDays: number }
  readonly disabledDaysAgo?: number
  readonly enabledDaysAgo?: number
  readonly revoked?: { readonly daysAgo: number; readonly reason: string }
}

export interface DemoProject {
  readonly name: string
  readonly slug: string
  readonly keys: readonly DemoKey[]
}

const minutes = (count: number) => count / 1440
const hours = (count: number) => count / 24

const [ada, tomas, priya, jun, leaver] = [
  'ada.lindqvist@northwind-freight.example',
  'tomas.reyes@northwind-freight.example',
  'priya.nair@northwind-freight.example',
  'jun.takeda@northwind-freight.example',
  'marcus.bell@northwind-freight.example',
]
const team = { platform: 'platform@northwind-freight.example', partners: 'partners@northwind-freight.example' }

export const demoOrganization = {
  name: 'Northwind Freight',
  slug: 'northwind-freight',
  external_id: 'acct_20418',
  notification_email: team.platform,
}

export const demoProjects: readonly DemoProject[] = [
  {
    name: 'Booking API',
    slug: 'booking-api',
    keys: [
      {
        name: 'Zapier, production',
        purpose: 'New bookings into the sales sheet',
        owner: ada,
        contact: team.partners,
        scopes: ['bookings:read'],
        madeDaysAgo: 352,
        usedDaysAgo: minutes(4),
      },
      {
        name: 'SAP connector, production',
        purpose: 'Orders from SAP become bookings. Run by Helvetia Consulting.',
        owner: 'integrations@helvetia-consulting.example',
        contact: team.partners,
        scopes: ['bookings:read', 'bookings:write'],
        allowed_ips: ['203.0.113.0/28'],
        madeDaysAgo: 356,
        usedDaysAgo: minutes(1),
      },
      {
        name: 'Customs broker portal',
        purpose: 'Brokers look bookings up by reference',
        owner: tomas,
        scopes: ['bookings:read'],
        madeDaysAgo: 290,
        usedDaysAgo: hours(3),
      },
      { name: 'Mobile app, iOS', kind: 'publishable', owner: jun, madeDaysAgo: 240, usedDaysAgo: minutes(1) },
      { name: 'Mobile app, Android', kind: 'publishable', owner: jun, madeDaysAgo: 240, usedDaysAgo: minutes(2) },
      {
        name: 'Salesforce sync',
        purpose: 'Bookings on the account page',
        owner: priya,
        contact: team.platform,
        scopes: ['bookings:read'],
        madeDaysAgo: 201,
        usedDaysAgo: minutes(11),
      },
      {
        name: 'Nightly export to BigQuery',
        owner: priya,
        scopes: ['bookings:read'],
        madeDaysAgo: 361,
        usedDaysAgo: hours(9),
        extended: { daysAgo: 20, endsInDays: 120 },
      },
      {
        name: 'Freight forwarder EDI, Bremen',
        purpose: 'EDIFACT gateway of the Bremen office',
        owner: tomas,
        allowed_ips: ['198.51.100.17'],
        scopes: ['bookings:write'],
        madeDaysAgo: 130,
        usedDaysAgo: hours(1),
      },
      { name: 'test', owner: leaver, environment: 'test', madeDaysAgo: 300, usedDaysAgo: 211 },
      {
        name: 'Load test 2026',
        owner: jun,
        environment: 'test',
        purpose: 'k6 from the build machine',
        madeDaysAgo: 45,
        livesDays: 60,
        usedDaysAgo: 6,
      },
      { name: 'Postman, Marcus', owner: leaver, madeDaysAgo: 340, usedDaysAgo: 96, disabledDaysAgo: 95 },
      { name: 'Old tracking widget', owner: leaver, madeDaysAgo: 410, usedDaysAgo: 46 },
      {
        name: 'Trade show kiosk',
        purpose: 'transport logistic, Munich',
        owner: ada,
        madeDaysAgo: 170,
        livesDays: 14,
        usedDaysAgo: 157,
      },
      {
        name: 'Zapier, trial account',
        owner: ada,
        madeDaysAgo: 400,
        usedDaysAgo: 371,
        revoked: { daysAgo: 352, reason: 'replaced by the production account' },
      },
      {
        name: 'Partner sandbox, Cargoline',
        owner: 'dev@cargoline.example',
        contact: team.partners,
        environment: 'test',
        scopes: ['bookings:read', 'bookings:write'],
        madeDaysAgo: 33,
        livesDays: 40,
        usedDaysAgo: 2,
      },
      {
        name: 'Warehouse scanners',
        purpose: 'Handhelds in Rotterdam and Gdańsk',
        owner: tomas,
        scopes: ['bookings:read'],
        metadata: { sites: ['RTM', 'GDN'], devices: 64 },
        madeDaysAgo: 88,
        usedDaysAgo: minutes(1),
      },
    ],
  },
  {
    name: 'Rates and quotes',
    slug: 'rates',
    keys: [
      {
        name: 'Public rate calculator',
        kind: 'publishable',
        purpose: 'The calculator on the home page',
        owner: jun,
        madeDaysAgo: 310,
        usedDaysAgo: minutes(1),
      },
      {
        name: 'Pricing engine, production',
        owner: priya,
        contact: team.platform,
        scopes: ['rates:read', 'rates:write'],
        madeDaysAgo: 344,
        usedDaysAgo: minutes(1),
        by: 'terraform',
      },
      {
        name: 'Pricing engine, staging',
        environment: 'test',
        owner: priya,
        scopes: ['rates:read', 'rates:write'],
        madeDaysAgo: 344,
        usedDaysAgo: hours(5),
        by: 'terraform',
      },
      {
        name: 'Carrier feed, Baltic Lines',
        purpose: 'Their daily tariff file',
        owner: 'edi@baltic-lines.example',
        contact: team.partners,
        scopes: ['rates:write'],
        allowed_ips: ['2001:db8:52::/48'],
        madeDaysAgo: 362,
        usedDaysAgo: hours(13),
      },
      {
        name: 'Carrier feed, Oceanic',
        purpose: 'Their daily tariff file',
        owner: 'it-ops@oceanic.example',
        contact: team.partners,
        scopes: ['rates:write'],
        madeDaysAgo: 190,
        usedDaysAgo: hours(12),
      },
      { name: 'Fuel surcharge job', owner: leaver, scopes: ['rates:write'], madeDaysAgo: 330, usedDaysAgo: 29 },
      {
        name: 'Excel add-in',
        purpose: 'The sales team quotes from Excel',
        owner: ada,
        scopes: ['rates:read'],
        madeDaysAgo: 150,
        usedDaysAgo: hours(2),
        renamed: { daysAgo: 140, name: 'Excel add-in, sales team' },
      },
      { name: 'key2', owner: leaver, madeDaysAgo: 275 },
      {
        name: 'Benchmark by Freightwise',
        owner: 'data@freightwise.example',
        scopes: ['rates:read'],
        madeDaysAgo: 95,
        livesDays: 90,
        usedDaysAgo: 4,
      },
      { name: 'Pilot with Alpine Cargo', owner: tomas, madeDaysAgo: 220, livesDays: 180, usedDaysAgo: 44 },
      { name: 'Quote bot for Teams', owner: jun, scopes: ['rates:read'], madeDaysAgo: 18, usedDaysAgo: hours(7) },
      {
        name: 'Rates mirror',
        owner: priya,
        madeDaysAgo: 260,
        usedDaysAgo: 201,
        revoked: { daysAgo: 200, reason: 'found in a public repository' },
      },
      { name: 'Rates mirror', owner: priya, scopes: ['rates:read'], madeDaysAgo: 200, usedDaysAgo: hours(1) },
      { name: 'Tender import', owner: ada, environment: 'test', madeDaysAgo: 5 },
    ],
  },
  {
    name: 'Tracking',
    slug: 'tracking',
    keys: [
      {
        name: 'Track and trace page',
        kind: 'publishable',
        owner: jun,
        madeDaysAgo: 365,
        livesDays: 700,
        usedDaysAgo: minutes(1),
      },
      {
        name: 'Telematics, Volvo fleet',
        purpose: 'Positions from the trucks',
        owner: tomas,
        scopes: ['positions:write'],
        madeDaysAgo: 358,
        usedDaysAgo: minutes(1),
      },
      {
        name: 'Telematics, trailers',
        owner: tomas,
        scopes: ['positions:write'],
        madeDaysAgo: 120,
        usedDaysAgo: minutes(1),
      },
      {
        name: 'Container terminal, Hamburg',
        purpose: 'Gate moves. Their firmware cannot change its key.',
        owner: 'gate-it@terminal-hh.example',
        contact: team.partners,
        scopes: ['events:write'],
        neverExpires: true,
        madeDaysAgo: 280,
        usedDaysAgo: minutes(9),
      },
      {
        name: 'Container terminal, Rotterdam',
        owner: 'api@rtm-terminal.example',
        contact: team.partners,
        scopes: ['events:write'],
        madeDaysAgo: 331,
        usedDaysAgo: minutes(22),
      },
      {
        name: 'ETA model',
        purpose: 'Training data for the arrival forecast',
        owner: priya,
        scopes: ['positions:read', 'events:read'],
        madeDaysAgo: 77,
        usedDaysAgo: hours(4),
        by: 'terraform',
      },
      {
        name: 'SMS notifications',
        owner: jun,
        scopes: ['events:read'],
        madeDaysAgo: 142,
        usedDaysAgo: minutes(3),
        disabledDaysAgo: 61,
        enabledDaysAgo: 60,
      },
      {
        name: 'Cold chain sensors',
        purpose: 'Pharma containers',
        owner: tomas,
        scopes: ['positions:write'],
        metadata: { standard: 'GDP' },
        madeDaysAgo: 66,
        usedDaysAgo: minutes(2),
      },
      { name: 'Customer webhook relay', owner: leaver, scopes: ['events:read'], madeDaysAgo: 349, usedDaysAgo: 1 },
      { name: 'old', owner: leaver, madeDaysAgo: 415, usedDaysAgo: 120 },
      {
        name: 'Port of Gdańsk, gate cameras',
        owner: 'kamery@port-gdansk.example',
        scopes: ['events:write'],
        madeDaysAgo: 26,
        usedDaysAgo: 25,
        disabledDaysAgo: 24,
      },
      { name: 'Demo for Kessler AG', owner: ada, environment: 'test', madeDaysAgo: 55, livesDays: 30 },
      {
        name: 'Driver app beta',
        owner: jun,
        madeDaysAgo: 160,
        usedDaysAgo: 110,
        revoked: { daysAgo: 109, reason: 'beta ended' },
      },
      {
        name: 'IoT gateway, yard',
        owner: tomas,
        scopes: ['positions:write'],
        madeDaysAgo: 1,
        usedDaysAgo: minutes(35),
      },
    ],
  },
  {
    name: 'Back office',
    slug: 'back-office',
    keys: [
      {
        name: 'Invoicing, DATEV',
        purpose: 'Monthly run of the accountants',
        owner: 'datev@kanzlei-brandt.example',
        contact: 'finance@northwind-freight.example',
        scopes: ['invoices:read'],
        madeDaysAgo: 338,
        usedDaysAgo: 19,
      },
      {
        name: 'Dunning job',
        owner: priya,
        contact: 'finance@northwind-freight.example',
        scopes: ['invoices:read', 'invoices:write'],
        madeDaysAgo: 215,
        usedDaysAgo: hours(20),
        by: 'terraform',
      },
      { name: 'HR onboarding script', owner: leaver, madeDaysAgo: 290, usedDaysAgo: 150 },
      {
        name: 'Grafana',
        purpose: 'Dashboards in the operations room',
        owner: jun,
        scopes: ['metrics:read'],
        madeDaysAgo: 175,
        usedDaysAgo: minutes(1),
        by: 'terraform',
      },
      {
        name: 'Backup verifier',
        owner: jun,
        scopes: ['backups:read'],
        allowed_ips: ['10.20.0.0/16'],
        madeDaysAgo: 110,
        usedDaysAgo: hours(8),
        by: 'terraform',
      },
      {
        name: 'Audit by Brandt & Partner',
        purpose: 'Read access for the yearly audit',
        owner: 'audit@brandt-partner.example',
        scopes: ['invoices:read'],
        madeDaysAgo: 24,
        livesDays: 30,
        usedDaysAgo: 3,
      },
      { name: 'Address check', owner: null, madeDaysAgo: 312, usedDaysAgo: 60 },
      { name: 'Intranet search', owner: jun, madeDaysAgo: 52, usedDaysAgo: hours(1) },
      { name: 'api', owner: leaver, madeDaysAgo: 388, usedDaysAgo: 24 },
      { name: 'Payroll bridge', owner: 'payroll@northwind-freight.example', scopes: ['staff:read'], madeDaysAgo: 9 },
      {
        name: 'Expense tool',
        owner: ada,
        madeDaysAgo: 255,
        usedDaysAgo: 190,
        revoked: { daysAgo: 189, reason: 'contract with the vendor ended' },
      },
      {
        name: 'Chat archive export',
        owner: leaver,
        madeDaysAgo: 180,
        usedDaysAgo: 99,
        revoked: { daysAgo: 92, reason: 'Marcus Bell left' },
      },
    ],
  },
]
