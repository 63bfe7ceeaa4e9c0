import { z } from 'zod'
import { actorSchema } from './actors.ts'
import { pageOf, pageQuery } from './pages.ts'
import { emailAddress, isPrintable } from './values.ts'

const time = z.string().describe('RFC 3339, UTC')

export const channelKinds = ['webhook', 'email'] as const
export type ChannelKind = (typeof channelKinds)[number]

/** What a webhook can be told of. */
export const webhookEvents = [
  'key.created',
  'key.rotated',
  'key.extended',
  'key.expiring',
  'key.expired',
  'key.revoked',
  'key.deleted',
  'key.used_after_end',
  'tracked_credential.expiring',
  'tracked_credential.expired',
] as const
export type WebhookEvent = (typeof webhookEvents)[number]

/** What the test of a channel sends. */
export const testEvent = 'channel.test'

/** Where a webhook goes. As a URL is compared and called: host in lower case, path encoded. */
export const webhookUrl = z
  .string()
  .max(2000)
  .refine((text) => URL.canParse(text) && isPrintable(text), 'must be a URL, as https://example.com/hooks/keyturn')
  .transform((text) => (URL.canParse(text) ? new URL(text).href : text))
  .refine((text) => /^https?:\/\//.test(text), 'must begin with https:// or http://')
  .refine((text) => text.length <= 2000, 'must have at most 2000 characters')
  .refine((text) => !hasCredentials(text), 'must not hold a user name or password: receivers check the signature')
  .refine((text) => !text.includes('#'), 'must have no fragment')
  .meta({ type: 'string', maxLength: 2000 })

function hasCredentials(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { username, password } = new URL(text)
  return username !== '' || password !== ''
}

const events = z
  .array(z.enum(webhookEvents))
  .min(1)
  .max(webhookEvents.length)
  .refine((values) => new Set(values).size === values.length, 'must not repeat an event')

const editable = {
  url: webhookUrl.optional().describe('Of a webhook: what is called.'),
  address: emailAddress.optional().describe('Of kind `email`: a team mailbox, which is told everything.'),
  events: events
    .nullish()
    .describe('Of a webhook: which ones it is told of; left out or null: all, those of later versions too.'),
  enabled: z.boolean().optional(),
}

interface Destination {
  readonly kind: ChannelKind
  readonly url?: unknown
  readonly address?: unknown
  readonly events?: unknown
}

export const channelCreate = z
  .strictObject({ kind: z.enum(channelKinds), ...editable })
  .refine(({ kind, url }: Destination) => (kind === 'webhook') === (url !== undefined), {
    error: 'a webhook has a url, and an e-mail channel has none',
    path: ['url'],
  })
  .refine(({ kind, address }: Destination) => (kind === 'email') === (address !== undefined), {
    error: 'an e-mail channel has an address, and a webhook has none',
    path: ['address'],
  })
  .refine(({ kind, events: wanted }: Destination) => kind === 'webhook' || wanted === undefined || wanted === null, {
    error: 'an e-mail channel is told everything',
    path: ['events'],
  })
  .meta({
    id: 'ChannelCreate',
    example: { kind: 'webhook', url: 'https://example.com/hooks/keyturn', events: ['key.expiring', 'key.expired'] },
  })
export type ChannelCreate = z.infer<typeof channelCreate>

export const channelEdit = z
  .strictObject(editable)
  .meta({ id: 'ChannelEdit', example: { events: ['key.expiring', 'key.revoked'] } })
export type ChannelEdit = z.infer<typeof channelEdit>

export const channelSchema = z
  .object({
    id: z.string(),
    organization_id: z.string(),
    kind: z.enum(channelKinds),
    url: z.string().nullable(),
    address: z.string().nullable(),
    events: z.array(z.string()).nullable().describe('Null: all.'),
    enabled: z.boolean(),
    disabled_reason: z
      .enum(['receiver_gone'])
      .nullable()
      .describe('`receiver_gone`: it answered 410 and was disabled. Null where a person disabled it.'),
    old_secret_signs_until: time.nullable().describe('While its signing secret is rotated, both sign.'),
    created_at: time,
    created_by: actorSchema,
  })
  .meta({ id: 'Channel' })
export type Channel = z.infer<typeof channelSchema>

/** The only answers that have the signing secret in them. */
export const channelCreated = z
  .object({
    channel: channelSchema,
    signing_secret: z
      .string()
      .nullable()
      .describe('Of a webhook: what its receiver verifies with (`whsec_…`); shown this once.'),
  })
  .meta({ id: 'ChannelCreated' })

export const channelQuery = z.strictObject(pageQuery.shape).meta({ id: 'ChannelQuery' })
export const channelPage = pageOf(channelSchema).meta({ id: 'ChannelPage' })

/** A week: longer, and the old secret is a second one for good. */
const longestOverlapSeconds = 604_800

export const secretRotate = z
  .strictObject({
    overlap: z
      .number()
      .int()
      .min(0)
      .max(longestOverlapSeconds)
      .default(86_400)
      .describe('Seconds for which the old secret signs beside the new one; 0: it ends now.'),
  })
  .meta({ id: 'SigningSecretRotate', example: { overlap: 86_400 } })
export type SecretRotate = z.infer<typeof secretRotate>

export const deliveryStates = ['pending', 'delivered', 'dead'] as const
export type DeliveryState = (typeof deliveryStates)[number]

export const deliverySchema = z
  .object({
    id: z.string().describe('The `webhook-id` of every attempt: receivers know a repeat by it.'),
    channel_id: z.string(),
    type: z.string(),
    state: z
      .enum(deliveryStates)
      .describe('`dead`: given up after three days, or because the channel was disabled. It can be sent again.'),
    attempts: z.number().int(),
    next_attempt_at: time.nullable(),
    created_at: time,
    finished_at: time.nullable(),
    log: z
      .array(
        z
          .object({
            at: time,
            duration_ms: z.number().int(),
            status: z.number().int().nullable().describe('Null: there was no answer.'),
            error: z.string().nullable().describe('Null: it was taken.'),
            answer: z.string().nullable().describe('The first 1,000 characters of it.'),
          })
          .meta({ id: 'DeliveryAttempt' }),
      )
      .describe('Its attempts, newest first, at most 30.'),
    payload: z.string().describe('The body, as it is sent and signed.'),
  })
  .meta({ id: 'Delivery' })
export type Delivery = z.infer<typeof deliverySchema>

export const deliveryQuery = z
  .strictObject({ state: z.enum(deliveryStates).optional(), ...pageQuery.shape })
  .meta({ id: 'DeliveryQuery' })
export type DeliveryQuery = z.infer<typeof deliveryQuery>
export const deliveryPage = pageOf(deliverySchema).meta({ id: 'DeliveryPage' })

/** What the test of a channel came to so far. */
export const channelTested = z
  .object({
    delivery: deliverySchema
      .nullable()
      .describe('Of a webhook: what is sent, at once. Look it up among its deliveries.'),
    mail_id: z.string().nullable().describe('Of kind `email`: the mail in the outbox.'),
  })
  .meta({ id: 'ChannelTested' })

/** The body of a webhook: it says what happened to what, and never has a secret in it. More is to be asked of the API. */
export const webhookPayload = z
  .object({
    type: z.string(),
    timestamp: time.describe('When it happened.'),
    data: z
      .object({
        sequence: z.number().int().describe('Its number in the audit trail: deliveries come in any order.'),
        organization_id: z.string(),
        project_id: z.string().nullable(),
        key_id: z.string().nullable(),
        secret_id: z.string().nullable().describe('Of what ends: which secret of the key.'),
        tracked_credential_id: z.string().nullable(),
        url: z.string().describe('Its page in the console, for people.'),
        name: z.string(),
        owner: z.string().nullable(),
        management: z.boolean().describe('A key of this API itself.'),
        ends_at: time.nullable().describe('Null: never.'),
        threshold: z.number().int().nullable().describe('Of `expiring`: how long before, in seconds.'),
        actor: actorSchema,
      })
      .meta({ id: 'WebhookData' }),
  })
  .meta({ id: 'WebhookPayload' })
export type WebhookPayload = z.infer<typeof webhookPayload>
