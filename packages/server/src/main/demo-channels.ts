import type { MasterKey } from '../kernel/master-key.ts'
import { createChannel } from '../notifications/manage-channels.ts'
import { findOrganization } from '../organizations/find.ts'
import { rootCaller } from '../people/authenticate.ts'
import type { Call, Ground } from '../people/call.ts'
import { demoOrganization } from './demo-data.ts'

/** Nobody is at these addresses (RFC 2606): what is sent there is tried again and given up, as the logs then say. */
const channels = [
  { kind: 'email', address: 'key-watch@northwind-freight.example' },
  {
    kind: 'webhook',
    url: 'https://hooks.northwind-freight.example/keyturn',
    events: ['key.expiring', 'key.expired', 'key.revoked', 'key.used_after_end'],
  },
] as const

/** Where the made-up company is told of what happens, from the present on. */
export async function addChannels(ground: Ground, masterKey: MasterKey): Promise<void> {
  const call: Call = { ...ground, caller: rootCaller, requestId: null, address: null }
  const organization = await findOrganization(call, demoOrganization.slug)
  for (const channel of channels) {
    const wanted = 'events' in channel ? { ...channel, events: [...channel.events] } : channel
    await createChannel(call, { masterKey, allowPrivate: [] }, organization, wanted)
  }
}
