import { DomainError } from '../kernel/errors.ts'
import { isIdOf } from '../kernel/ids.ts'
import type { Call } from '../people/call.ts'
import { requireScope } from '../people/permissions.ts'
import type { Organization, Project } from './organization.ts'
import * as organizations from './organization-store.ts'
import * as projects from './project-store.ts'

export interface PageQuery {
  readonly limit: number
  readonly cursor?: string | undefined
  /** The product's own id of it. */
  readonly external_id?: string | undefined
}

export interface Page<T> {
  readonly data: T[]
  readonly nextCursor: string | null
}

/** Those within reach, oldest first. @throws DomainError insufficient_scope, invalid_cursor */
export async function listOrganizations(call: Call, query: PageQuery): Promise<Page<Organization>> {
  requireScope(call.caller, 'keys:read')
  const page = { after: cursorOf('organization', query), limit: query.limit + 1, externalId: query.external_id }
  const { person, organizationId } = call.caller
  const within = person ? person.organizations : organizationId === null ? null : [organizationId]
  return pageOf(await organizations.listOrganizations(call.reader, within, page), query)
}

/** Those within reach, oldest first. @throws DomainError insufficient_scope, invalid_cursor */
export async function listProjects(call: Call, organization: Organization, query: PageQuery): Promise<Page<Project>> {
  requireScope(call.caller, 'keys:read')
  const within = call.caller.projects === null ? null : [...call.caller.projects]
  const page = { after: cursorOf('project', query), limit: query.limit + 1, externalId: query.external_id }
  return pageOf(await projects.listProjects(call.reader, organization.id, within, page), query)
}

/** The cursor is the id of the last one on the page before. */
function cursorOf(kind: 'organization' | 'project', { cursor }: PageQuery): string | null {
  if (cursor === undefined) return null
  if (!isIdOf(kind, cursor)) throw new DomainError('invalid_cursor')
  return cursor
}

function pageOf<T extends { id: string }>(rows: T[], { limit }: PageQuery): Page<T> {
  const data = rows.slice(0, limit)
  return { data, nextCursor: rows.length > limit ? (data.at(-1)?.id ?? null) : null }
}
