import { listEmailChannels } from '../notifications/find-channel.ts'
import type { Organization } from '../organizations/organization.ts'
import { addressesOfAdministrators } from '../people/administrators.ts'
import type { Reader } from '../storage/database.ts'
import { listGone, listTimeZones } from './audience-store.ts'
import type { Audience } from './reminder-sending.ts'

/** @param named owners and contacts */
export async function readAudience(
  reader: Reader,
  organization: Organization,
  named: readonly (string | null)[],
): Promise<Audience> {
  const addresses = [...new Set(named.filter((address) => address !== null))]
  return {
    administrators: await addressesOfAdministrators(reader, organization.id),
    gone: new Set(addresses.length === 0 ? [] : await listGone(reader, organization.id, addresses)),
    notificationEmail: organization.notificationEmail,
    channels: (await listEmailChannels(reader, organization.id)).map(({ address }) => address),
  }
}

/** The time zone that each of them has set, else that of the organization. */
export async function readTimeZones(
  reader: Reader,
  organization: Organization,
  addresses: readonly string[],
): Promise<(address: string) => string> {
  const own = await listTimeZones(reader, organization.id, [...new Set(addresses)])
  return (address) => own.get(address) ?? organization.timeZone
}
