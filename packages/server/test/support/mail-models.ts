import type { DigestModel, ReminderItem } from '../../src/notifications/reminder-mail.ts'

const hour = 3_600_000
const day = 24 * hour

/** When the mails of the tests are made. */
export const mailTime = Date.UTC(2026, 10, 21, 7)

const page = 'https://keys.example.com/reminders/token'

export const reminderItem = (fields: Partial<ReminderItem> = {}): ReminderItem => ({
  reason: 'expiry',
  threshold: 14 * 86_400,
  keyName: 'Zapier, production',
  keyId: 'key_01m7xr9hpztv01xznsg9z36ten',
  hint: 'kt_live_HlZb…LVd1',
  kind: 'secret',
  environment: 'live',
  projectName: 'Storefront',
  owner: 'ada@example.com',
  contact: 'team@example.com',
  endsAt: mailTime + 14 * day + 3 * hour,
  inUse: true,
  lastUsedAt: mailTime - 3 * hour,
  lastAddress: '203.0.113.7',
  lastUserAgent: 'curl/8.5.0',
  links: { extend: `${page}/extend`, rotate: `${page}/rotate`, lapse: `${page}/lapse` },
  tracked: false,
  issuer: null,
  ...fields,
})

export const trackedItem = (fields: Partial<ReminderItem> = {}): ReminderItem =>
  reminderItem({
    keyName: 'Payments',
    keyId: 'trc_01m7xr9hpztv01xznsg9z36ten',
    hint: null,
    kind: 'tracked',
    environment: null,
    inUse: null,
    lastUsedAt: null,
    lastAddress: null,
    lastUserAgent: null,
    tracked: true,
    issuer: 'https://issuer.example',
    ...fields,
  })

export const digest = (items: readonly ReminderItem[], fields: Partial<DigestModel> = {}): DigestModel => ({
  organizationName: 'Globex',
  recipient: 'ada@example.com',
  timeZone: 'Europe/Vienna',
  now: mailTime,
  items,
  settingsUrl: null,
  ...fields,
})

/** One of each sort that a reader can meet. */
export const everySort = (): ReminderItem[] => [
  reminderItem(),
  reminderItem({
    keyId: 'key_2',
    reason: 'used_after_end',
    threshold: 0,
    keyName: 'Warehouse',
    endsAt: mailTime - 3 * day,
  }),
  reminderItem({
    keyId: 'key_3',
    reason: 'overlap_end',
    threshold: 3_600,
    keyName: 'Back office',
    endsAt: mailTime + hour,
  }),
  reminderItem({
    keyId: 'key_4',
    reason: 'rotation_due',
    keyName: 'Reports',
    endsAt: mailTime + 5 * day,
    owner: null,
    lastUsedAt: null,
  }),
  trackedItem({ threshold: 86_400, endsAt: mailTime + day }),
]
