import { existsSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import type { Logger } from 'pino'
import { signHeads } from '../audit/sign-heads.ts'
import { systemClock } from '../kernel/clock.ts'
import { StartError } from '../kernel/errors.ts'
import { countKeys, type StatusCounts } from '../keys/key-list.ts'
import { findOrganization } from '../organizations/find.ts'
import { rootCaller } from '../people/authenticate.ts'
import type { Call } from '../people/call.ts'
import { UseCollector } from '../usage/use-collector.ts'
import { holdDataDirectory, prepareDataDirectory } from './data-directory.ts'
import { addChannels } from './demo-channels.ts'
import { DemoClock } from './demo-clock.ts'
import { demoOrganization } from './demo-data.ts'
import { demoBeginsDaysAgo, liveThrough } from './demo-history.ts'
import { demoPassword, demoPeople, invitePeople } from './demo-people.ts'
import { demoProjects } from './demo-projects.ts'
import { createLogger } from './logger.ts'
import { embeddedDirectory } from './open-database.ts'
import { rootKeyFile } from './root-key-file.ts'
import { runCommand } from './run-command.ts'
import { readSettings, type Settings } from './settings.ts'
import { groundOf, type OpenInstallation, openInstallation, serve } from './start.ts'
import { stopOnSignals } from './stop-on-signals.ts'

const usage =
  'Usage: npm run demo                   a server with a made-up company\n       npm run demo -- --fill-only    makes the data and ends'

await runCommand(async () => {
  const fillOnly = readArguments()
  const settings = readDemoSettings()
  const log = createLogger(settings.logLevel === 'info' ? 'warn' : settings.logLevel)
  await makeUnlessThere(settings, log)
  const installation = await openInstallation(settings, systemClock, log)
  try {
    const counts = await countDemoKeys(installation, settings)
    if (fillOnly) {
      console.log(describe(counts))
      await installation.close()
      return
    }
    const { address, stop } = await serve(installation.database, installation.masterKey, settings, systemClock, log)
    stopOnSignals(async () => {
      await stop()
      await installation.close()
    })
    print(address, counts, settings)
  } catch (error) {
    await installation.close()
    throw error
  }
})

function readArguments(): boolean {
  try {
    return parseArgs({ options: { 'fill-only': { type: 'boolean' } } }).values['fill-only'] ?? false
  } catch {
    throw new StartError(usage)
  }
}

/** The settings of a server, but for a directory of its own beside the real one, and never a database that others share. */
function readDemoSettings(): Settings {
  const isNamed = ['KEYTURN_DATA_DIR', 'KEYTURN_DATA_DIR_FILE'].some((name) => process.env[name])
  const environment = { ...process.env, ...(isNamed ? {} : { KEYTURN_DATA_DIR: 'data-demo' }) }
  const settings = readSettings(environment, process.cwd())
  if (settings.databaseUrl !== null) console.log('The demo leaves DATABASE_URL alone and uses an embedded database.')
  return { ...settings, databaseUrl: null }
}

/** Made aside and then put in place: a demo that was ended in the midst of it is made anew. */
async function makeUnlessThere(settings: Settings, log: Logger): Promise<void> {
  prepareDataDirectory(settings.dataDir)
  if (existsSync(embeddedDirectory(settings))) return
  const release = await holdDataDirectory(settings.dataDir)
  const aside = path.join(settings.dataDir, 'unfinished-demo')
  try {
    rmSync(aside, { recursive: true, force: true })
    console.log('Living through fourteen months of a made-up company; this takes a few seconds.')
    await fill({ ...settings, dataDir: aside }, log)
    // The database last: it is what tells that all is there.
    for (const name of ['master-key', 'root-key', path.basename(embeddedDirectory(settings))]) {
      if (existsSync(path.join(aside, name))) renameSync(path.join(aside, name), path.join(settings.dataDir, name))
    }
    rmSync(aside, { recursive: true, force: true })
  } finally {
    await release()
  }
}

async function fill(settings: Settings, log: Logger): Promise<void> {
  const now = systemClock.wallTime()
  const clock = new DemoClock(now - demoBeginsDaysAgo * 86_400_000)
  const { database, masterKey, close } = await openInstallation(settings, clock, log)
  try {
    const ground = groundOf(database, settings, masterKey)
    await liveThrough(ground, clock, new UseCollector(database), now)
    await invitePeople(ground, masterKey, clock)
    await addChannels(ground, masterKey)
    await signHeads(database, masterKey.auditSigningKey(), 1)
  } finally {
    await close()
  }
}

/** @throws StartError where the directory holds something else */
async function countDemoKeys({ database, masterKey }: OpenInstallation, settings: Settings): Promise<StatusCounts> {
  const call: Call = { ...groundOf(database, settings, masterKey), caller: rootCaller, requestId: null, address: null }
  const organization = await findOrganization(call, demoOrganization.slug).catch(() => {
    throw new StartError(
      `KEYTURN_DATA_DIR ${settings.dataDir} holds other data than the demo's; unset it, or name a directory for the demo alone.`,
    )
  })
  return countKeys(call, { organizationId: organization.id, projectId: null })
}

function describe({ active, disabled, expired, revoked }: StatusCounts): string {
  return `
  ${demoOrganization.name} has ${demoProjects.length} projects and these keys: ${active} active, ${disabled} disabled, ${expired} expired, ${revoked} revoked.`
}

function print(address: string, counts: StatusCounts, settings: Settings): void {
  const keyFile = path.relative(process.cwd(), rootKeyFile(settings))
  const bearer = settings.rootKey === null ? `$(cat ${keyFile})` : '$KEYTURN_ROOT_KEY'
  const ask = (what: string, row: string) => `  curl -s -H "Authorization: Bearer ${bearer}" \\
    "${address}/v1/organizations/${demoOrganization.slug}/${what}" |
    node -e 'console.table(JSON.parse(require("fs").readFileSync(0)).data.map((one) => (${row})))'`
  console.log(`${describe(counts)}

  Open    ${address}, and sign in as
${demoPeople.map(({ email, role }) => `            ${email}, ${role}`).join('\n')}
          with the password: ${demoPassword}
  API     ${address}/docs
  Data    ${path.relative(process.cwd(), settings.dataDir)}
  Key     the root key is ${settings.rootKey === null ? `in ${keyFile}` : 'as set in KEYTURN_ROOT_KEY'}

In another terminal, in this directory:

  # What ends within two months, the soonest first. Whom would you have to call?
${ask('keys?status=active&expires_before=60d', '{ name: one.name, ends: one.next_expiry_at.slice(0, 10), owner: one.owner, called: one.last_used_at?.slice(0, 16) ?? "never" }')}

  # What works and was not called for 90 days.
${ask('keys?status=active&unused_since=90d', '{ name: one.name, made: one.created_at.slice(0, 10), owner: one.owner, called: one.last_used_at?.slice(0, 10) ?? "never" }')}

  # Who did what, the newest first.
${ask('audit-events?limit=20', '{ at: one.at.slice(0, 16), by: one.actor.name, action: one.action, what: one.target.name }')}

  Ctrl-C ends it.
`)
}
