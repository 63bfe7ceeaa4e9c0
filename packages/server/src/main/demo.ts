import { parseArgs } from 'node:util'
import { systemClock } from '../kernel/clock.ts'
import { StartError } from '../kernel/errors.ts'
import { countKeys } from '../keys/key-list.ts'
import { findOrganization } from '../organizations/find.ts'
import { rootCaller } from '../people/authenticate.ts'
import type { Call } from '../people/call.ts'
import { UseCollector } from '../usage/use-collector.ts'
import { demoOrganization } from './demo-data.ts'
import { liveThrough, PastClock } from './demo-history.ts'
import { createLogger } from './logger.ts'
import { rootKeyFile } from './root-key-file.ts'
import { runCommand } from './run-command.ts'
import { readSettings, type Settings } from './settings.ts'
import { groundOf, type OpenInstallation, openInstallation, serve } from './start.ts'
import { stopOnSignals } from './stop-on-signals.ts'

const dayMs = 86_400_000

await runCommand(async () => {
  const fillOnly = readArguments()
  // Beside the real data and never in it, unless it is said so.
  const settings = readSettings({ KEYTURN_DATA_DIR: 'data-demo', ...process.env }, process.cwd())
  const log = createLogger(settings.logLevel === 'info' ? 'warn' : settings.logLevel)
  const clock = new PastClock(systemClock)
  const installation = await openInstallation(settings, clock, log)
  try {
    const call = await fill(installation, settings, clock)
    const organization = await findOrganization(call, demoOrganization.slug)
    const counts = await countKeys(call, { organizationId: organization.id, projectId: null })
    console.log(
      `\n  ${organization.name}: ${counts.active} active, ${counts.disabled} disabled, ${counts.expired} expired, ${counts.revoked} revoked keys.`,
    )
    if (fillOnly) return await installation.close()
    const { address, stop } = await serve(installation.database, installation.masterKey, settings, clock, log)
    stopOnSignals(async () => {
      await stop()
      await installation.close()
    })
    print(address, settings)
  } catch (error) {
    await installation.close()
    throw error
  }
})

/** Unless it is there already. */
async function fill(installation: OpenInstallation, settings: Settings, clock: PastClock): Promise<Call> {
  const { database } = installation
  const ground = groundOf(database, settings)
  const call: Call = { ...ground, caller: rootCaller, requestId: null, address: null }
  const existing = await findOrganization(call, demoOrganization.slug).catch(() => null)
  if (existing) return call
  console.log('Living through fourteen months of a made-up company; this takes a few seconds.')
  const uses = new UseCollector(database)
  const now = await ground.now(ground.reader)
  for (const { keyId, secretId, daysAgo } of await liveThrough(ground, clock)) {
    uses.note(keyId, secretId, now - daysAgo * dayMs)
  }
  await uses.flush()
  return call
}

function print(address: string, settings: Settings): void {
  const curl = `curl -s -H "Authorization: Bearer $(cat ${rootKeyFile(settings)})" "${address}/v1/organizations/${demoOrganization.slug}`
  console.log(`
  Open               ${address}/docs
  What ends next     ${curl}/keys?limit=5"
  Unused for 90 d    ${curl}/keys?unused_since=90d"
  As a spreadsheet   ${curl}/keys.csv"
  What happened      ${curl}/audit-events?limit=10"

  Ctrl-C ends it.
`)
}

function readArguments(): boolean {
  try {
    return parseArgs({ options: { 'fill-only': { type: 'boolean' } } }).values['fill-only'] ?? false
  } catch {
    throw new StartError(
      'Usage: npm run demo                   a server with a made-up company\n       npm run demo -- --fill-only    makes the data and ends',
    )
  }
}
