import { sha256 } from '../kernel/digest.ts'
import type { Instant } from '../kernel/instant.ts'
import { vagueWords } from '../keys/name-advice.ts'
import { type KeyView, viewKeysById } from '../keys/view-keys.ts'
import { settingsUrlFor } from '../notifications/console-links.ts'
import { messageDomain } from '../notifications/message-id.ts'
import { enqueueMail } from '../notifications/outbox.ts'
import { type ReviewItem, reviewMail } from '../notifications/review-mail.ts'
import { nameOrganizations, readProjects } from '../organizations/find.ts'
import type { Organization } from '../organizations/organization.ts'
import type { Ground } from '../people/call.ts'
import type { Tx } from '../storage/database.ts'
import { readAudience, readTimeZones } from './audience.ts'
import { findKeysWith } from './finding-store.ts'
import { claimReview, setReviewLook } from './review-store.ts'

const dayMs = 86_400_000
const betweenListsMs = 7 * dayMs
// Looking is a walk over all keys of an organization.
const betweenLooksMs = dayMs
const mostCounted = 10_000
const mostListed = 100

/** Sends administrators the list of keys that are due for review, at most once in seven days for an organization. */
export async function sendReviewLists(ground: Ground, publicUrl: string): Promise<void> {
  while (await ground.change((tx) => reviewOne(tx, ground, publicUrl)));
}

/** @returns whether there was one to look at */
async function reviewOne(tx: Tx, ground: Ground, publicUrl: string): Promise<boolean> {
  const organizationId = await claimReview(tx, await ground.now(tx))
  if (organizationId === undefined) return false
  const now = await ground.now(tx)
  const organization = (await nameOrganizations(tx, [organizationId])).get(organizationId)
  const isSent = organization !== undefined && (await sendList(tx, organization, publicUrl, now))
  await setReviewLook(tx, organizationId, now + (isSent ? betweenListsMs : betweenLooksMs))
  return true
}

async function sendList(tx: Tx, organization: Organization, publicUrl: string, now: Instant): Promise<boolean> {
  const { id, name } = organization
  const projects = await readProjects(tx, id)
  const scope = {
    organizationId: id,
    projects: projects.map(({ project, policy }) => ({
      id: project.id,
      idleSeconds: policy.idle_after,
      reviewSeconds: policy.review_every,
    })),
    owner: null,
  }
  const due = await findKeysWith(tx, 'review_due', scope, vagueWords, { after: null, limit: mostCounted, now })
  const { administrators, notificationEmail } = await readAudience(tx, organization, [])
  const recipients = administrators.length > 0 ? administrators : [notificationEmail].filter((one) => one !== null)
  if (due.length === 0 || recipients.length === 0) return false
  const views = await viewKeysById(tx, id, due.slice(0, mostListed), now)
  const names = new Map(projects.map(({ project }) => [project.id, project.name]))
  const items = [...views.values()].map((view) => itemOf(view, names))
  const zoneOf = await readTimeZones(tx, organization, recipients)
  for (const recipient of recipients) {
    const settingsUrl = settingsUrlFor(publicUrl, organization, { administrators }, recipient)
    const model = { organizationName: name, recipient, timeZone: zoneOf(recipient), now, settingsUrl }
    const mark = sha256(JSON.stringify(['review', id, recipient, now])).toString('hex')
    const messageId = `<${mark}@${messageDomain(publicUrl)}>`
    const rendered = reviewMail({ ...model, items, total: due.length })
    await enqueueMail(tx, id, { ...rendered, recipient, messageId, about: 'review' }, now)
  }
  return true
}

function itemOf({ key, secrets }: KeyView, projectNames: ReadonlyMap<string, string>): ReviewItem {
  const uses = secrets.map(({ lastUsedAt }) => lastUsedAt).filter((use) => use !== null)
  return {
    keyName: key.name,
    keyId: key.id,
    projectName: projectNames.get(key.projectId) ?? null,
    createdBy: key.createdBy.name,
    createdAt: key.createdAt,
    lastUsedAt: uses.length > 0 ? Math.max(...uses) : null,
    owner: key.owner,
    reviewedAt: key.reviewedAt,
    endsAt: key.lastEndAt,
  }
}
