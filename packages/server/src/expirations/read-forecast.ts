import type { ExpirationForecast } from '@keyturn/contract'
import type { Ground } from '../people/call.ts'
import { countByDay } from './expiration-store.ts'
import { toForecast } from './forecast.ts'
import { type ExpirationFilters, type ExpirationReach, scopeOf, toFilter } from './list-expirations.ts'

/**
 * How much ends when, so that nobody plans for a week in which everything does. Two secrets of one key that end at the same moment are
 * one.
 *
 * @throws DomainError project_not_found
 */
export async function readForecast(
  ground: Ground,
  reach: ExpirationReach,
  filters: Pick<ExpirationFilters, 'type' | 'kind' | 'owner' | 'project' | 'in_use'>,
): Promise<ExpirationForecast> {
  const now = await ground.now(ground.reader)
  const scope = await scopeOf(ground, reach, filters.project)
  return toForecast(await countByDay(ground.reader, scope, toFilter(filters, now), now), now)
}
