import { AxeBuilder } from '@axe-core/playwright'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { changeRequestMail } from '../../src/notifications/change-request-mail.ts'
import type { RenderedMail } from '../../src/notifications/mail-layout.ts'
import { noticeMail } from '../../src/notifications/notice-mail.ts'
import { reminderMail } from '../../src/notifications/reminder-mail.ts'
import { reviewMail } from '../../src/notifications/review-mail.ts'
import { openSmtpMailer } from '../../src/notifications/smtp-mailer.ts'
import { openBrowser } from '../support/browser.ts'
import { digest, everySort, mailTime, reminderItem, trackedItem } from '../support/mail-models.ts'
import { type Mailbox, openMailbox } from '../support/mailbox.ts'

const day = 86_400_000
const common = {
  organizationName: 'Globex',
  recipient: 'ada@example.com',
  timeZone: 'Europe/Vienna',
  now: mailTime,
  settingsUrl: null,
}

/** @param text for whatever people write */
const notices = (text = '') =>
  [
    {
      kind: 'created',
      by: `Olga Owner${text}`,
      keyName: `Zapier${text}`,
      keyId: 'key_1',
      owner: null,
      endsAt: mailTime + 365 * day,
      reason: null,
    },
    {
      kind: 'revoked',
      by: 'Root key',
      keyName: 'Old billing',
      keyId: 'key_2',
      owner: `ada@example.com${text}`,
      endsAt: null,
      reason: `posted in public${text}`,
    },
    {
      kind: 'extended',
      by: 'Root key',
      keyName: 'Reports',
      keyId: 'key_3',
      owner: null,
      endsAt: Number.POSITIVE_INFINITY,
      reason: null,
    },
    {
      kind: 'rotated',
      by: 'Root key',
      keyName: 'Reports',
      keyId: 'key_3',
      owner: null,
      endsAt: mailTime + day,
      reason: null,
    },
  ] as const

const reviewed = (text = '') => ({
  keyName: `Zapier${text}`,
  keyId: 'key_1',
  projectName: `Storefront${text}`,
  createdBy: `Olga Owner${text}`,
  createdAt: mailTime - 100 * day,
  lastUsedAt: mailTime - day,
  owner: null,
  reviewedAt: null,
  endsAt: Number.POSITIVE_INFINITY,
})

const request = (text = '') => ({
  ...common,
  wish: 'extend' as const,
  askedBy: `ada@example.com${text}`,
  note: `We need until spring.${text}`,
  keyName: `Zapier${text}`,
  keyId: 'key_1',
  hint: null,
  projectName: null,
  owner: null,
  endsAt: mailTime + 14 * day,
  tracked: false,
  lastUsedAt: null,
  possible: ['rotate', 'extend', 'lapse'] as const,
  links: reminderItem().links,
})

const mailsWith = (text = ''): Record<string, RenderedMail> => ({
  reminder: reminderMail(digest([reminderItem({ keyName: `Zapier${text}`, owner: `ada@example.com${text}` })])),
  digest: reminderMail(digest(everySort().map((item) => ({ ...item, keyName: item.keyName + text })))),
  credential: reminderMail(digest([trackedItem({ issuer: `https://issuer.example${text}` })])),
  notices: noticeMail({
    ...common,
    notices: notices(text).map((notice) => ({ ...notice, at: mailTime - 60_000, projectName: 'Storefront' })),
  }),
  review: reviewMail({ ...common, total: 60, items: [reviewed(text)] }),
  request: changeRequestMail(request(text)),
})

const hostile = [
  '\r\nBcc: eve@example.com\r\n\r\n<h1>Hello</h1>',
  '<script>alert(1)</script>"><img src=x onerror=alert(1)>',
  ' \u202Eexe.fdp\u2066 שלום',
  'x'.repeat(10_000),
  ' 👩‍👩‍👧‍👦 Zаpier =?utf-8?Q?=0D=0ABcc:_eve@example.com?=',
]

describe('mails of every kind, through a real SMTP server', () => {
  let mailbox: Mailbox
  beforeAll(async () => {
    mailbox = await openMailbox()
  })
  afterAll(() => mailbox.stop())

  it('arrive as they were written, and what somebody put into a name adds no header, no recipient and no element', async () => {
    const mailer = openSmtpMailer(mailbox.url, 'Keyturn <keys@globex.example>')
    for (const [number, text] of ['', ...hostile].entries())
      for (const [kind, mail] of Object.entries(mailsWith(text))) {
        const to = `${kind}-${number}@example.com`
        await mailer.send({ to, ...mail, messageId: `<${kind}.${number}@keyturn>` })
        const { recipients, email } = await mailbox.newestTo(to)
        const name = `${kind}: ${text.slice(0, 40)}`
        expect([recipients, email.to?.length, email.cc, email.bcc], name).toEqual([[to], 1, undefined, undefined])
        expect(email.subject, name).toBe(mail.subject)
        expect(email.text?.trimEnd(), name).toBe(mail.text.trimEnd())
        expect(email.html?.trimEnd(), name).toBe(mail.html.trimEnd())
        expect(email.messageId, name).toBe(`<${kind}.${number}@keyturn>`)
        expect(email.headers.filter(({ key }) => key === 'auto-submitted').map(({ value }) => value)).toEqual([
          'auto-generated',
        ])
        expect(
          email.headers.some(({ value }) => value === 'eve@example.com'),
          name,
        ).toBe(false)
      }
  })
})

describe('mails of every kind, in a browser', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await openBrowser()
  })
  afterAll(() => browser?.close())

  async function open(mail: RenderedMail, colorScheme: 'light' | 'dark', width: number) {
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 800 } })
    const page = await context.newPage()
    const asked: string[] = []
    page.on('request', (one) => asked.push(one.url()))
    page.on('dialog', (dialog) => asked.push(dialog.message()))
    await page.setContent(mail.html)
    return { page, asked, close: () => context.close() }
  }

  // Between them they have all that a mail can consist of.
  it.each(['digest', 'request'])('%s: readable for everybody, light and dark, on a telephone too', async (kind) => {
    const mail = mailsWith()[kind]
    if (!mail) throw new Error(`there is no mail ${kind}`)
    for (const [colorScheme, width] of [
      ['light', 760],
      ['dark', 360],
    ] as const) {
      const { page, asked, close } = await open(mail, colorScheme, width)
      const { violations } = await new AxeBuilder({ page }).analyze()
      const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
      expect(grave.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([])
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
      const brightness = await page.evaluate<number>(
        `getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0)`,
      )
      expect(brightness > 600).toBe(colorScheme === 'light')
      // Nothing from elsewhere: whoever reads it is not seen reading it.
      expect(asked).toEqual([])
      await close()
    }
  })

  it('run nothing, and stay as wide as their reader has room, whatever is in a name', async () => {
    for (const text of hostile)
      for (const [kind, mail] of Object.entries(mailsWith(text))) {
        // Both are in the digest.
        if (kind === 'reminder' || kind === 'credential') continue
        const { page, asked, close } = await open(mail, 'light', 360)
        const name = `${kind}: ${text.slice(0, 40)}`
        expect(await page.evaluate('document.documentElement.scrollWidth'), name).toBeLessThanOrEqual(360)
        expect([asked, await page.locator('script, img, h1 h1').count()], name).toEqual([[], 0])
        await close()
      }
  })
})
