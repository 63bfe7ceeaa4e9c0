import { z } from 'zod'
import { actorSchema } from './actors.ts'
import { expirationFilters } from './expirations.ts'
import { pageOf, pageQuery } from './pages.ts'
import { lineOfText, plainText } from './values.ts'

const time = z.string().describe('RFC 3339, UTC')

export const feedTokenCreate = z
  .strictObject({
    name: lineOfText(100).describe('Whose calendar it is for, so that it is known what revoking it would stop.'),
    projects: z.array(plainText(100)).min(1).max(100).nullish().describe('Ids or slugs; left out or null: all.'),
  })
  .meta({ id: 'FeedTokenCreate', example: { name: "The platform team's calendar" } })
export type FeedTokenCreate = z.infer<typeof feedTokenCreate>

export const feedTokenSchema = z
  .object({
    id: z.string(),
    organization_id: z.string(),
    name: z.string(),
    projects: z.array(z.string()).nullable().describe('Whose expirations it reads; null: of the whole organization.'),
    created_at: time,
    created_by: actorSchema,
    last_used_at: time.nullable().describe('To the hour.'),
    revoked_at: time.nullable(),
  })
  .meta({ id: 'FeedToken' })
export type FeedToken = z.infer<typeof feedTokenSchema>

/** The only answer that has the token in it: only a digest of it is kept. */
export const feedTokenCreated = feedTokenSchema
  .extend({ url: z.string().nullable().describe('What a calendar subscribes to; at creation alone.') })
  .meta({ id: 'FeedTokenCreated' })

export const feedTokenQuery = z.strictObject(pageQuery.shape).meta({ id: 'FeedTokenQuery' })
export const feedTokenPage = pageOf(feedTokenSchema).meta({ id: 'FeedTokenPage' })

const { type, kind, owner, project, in_use } = expirationFilters

export const calendarQuery = z.strictObject({
  token: plainText(200).optional().describe('A feed token, for calendars that can send no header.'),
  type,
  kind,
  owner,
  project,
  in_use,
})
export type CalendarQuery = z.infer<typeof calendarQuery>
