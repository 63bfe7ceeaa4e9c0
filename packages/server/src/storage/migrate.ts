import { sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { StartError } from '../kernel/errors.ts'
import type { Database, Reader } from './database.ts'
import { sqlState } from './driver-errors.ts'
import * as keys from './migrations/0001-keys.ts'
import * as nodes from './migrations/0002-nodes.ts'
import * as usage from './migrations/0003-usage.ts'
import * as rotation from './migrations/0004-rotation.ts'
import * as roomForUpdates from './migrations/0005-room-for-updates.ts'
import * as findByDigests from './migrations/0006-find-by-digests.ts'
import * as endedSecrets from './migrations/0007-ended-secrets.ts'
import * as claimLinks from './migrations/0008-claim-links.ts'
import * as renewals from './migrations/0009-renewals.ts'
import * as people from './migrations/0010-people.ts'
import * as expirations from './migrations/0011-expirations.ts'
import * as trackedCredentials from './migrations/0012-tracked-credentials.ts'
import * as feedTokens from './migrations/0013-feed-tokens.ts'
import * as warnings from './migrations/0014-warnings.ts'
import * as formerMembers from './migrations/0015-former-members.ts'
import * as reminders from './migrations/0016-reminders.ts'
import * as mails from './migrations/0017-mails.ts'
import * as followers from './migrations/0018-followers.ts'
import * as channels from './migrations/0019-channels.ts'
import * as changeRequests from './migrations/0020-change-requests.ts'
import * as sealMany from './migrations/0021-seal-many.ts'
import * as tokens from './migrations/0022-tokens.ts'
import * as limits from './migrations/0025-limits.ts'
import * as manyAtOnce from './migrations/0028-many-at-once.ts'
import * as keysById from './migrations/0029-keys-by-id.ts'
import * as fewerChecks from './migrations/0030-fewer-checks.ts'
import * as byIndex from './migrations/0031-by-index.ts'

/** In order, for ever: one that has run anywhere is never edited, and none goes back. */
const migrations: Record<string, Migration> = {
  '0001-keys': keys,
  '0002-nodes': nodes,
  '0003-usage': usage,
  '0004-rotation': rotation,
  '0005-room-for-updates': roomForUpdates,
  '0006-find-by-digests': findByDigests,
  '0007-ended-secrets': endedSecrets,
  '0008-claim-links': claimLinks,
  '0009-renewals': renewals,
  '0010-people': people,
  '0011-expirations': expirations,
  '0012-tracked-credentials': trackedCredentials,
  '0013-feed-tokens': feedTokens,
  '0014-warnings': warnings,
  '0015-former-members': formerMembers,
  '0016-reminders': reminders,
  '0017-mails': mails,
  '0018-followers': followers,
  '0019-channels': channels,
  '0020-change-requests': changeRequests,
  '0021-seal-many': sealMany,
  '0022-tokens': tokens,
  '0025-limits': limits,
  '0028-many-at-once': manyAtOnce,
  '0029-keys-by-id': keysById,
  '0030-fewer-checks': fewerChecks,
  '0031-by-index': byIndex,
}

/**
 * Brings the schema up to this version of the code. Any number of processes may call it at once: one does the work under a
 * lock, the others wait for it and find nothing left to do.
 *
 * @throws StartError where the database was migrated by a newer version
 */
export async function migrate(database: Database): Promise<void> {
  const unknown = (await appliedMigrations(database.reader)).filter((name) => !(name in migrations))
  if (unknown.length > 0) {
    throw new StartError(
      `The database (DATABASE_URL, else the one in KEYTURN_DATA_DIR) is newer than this version of Keyturn: it has the migration ` +
        `${unknown[0]}; start the version that made it, or restore a backup from before.`,
    )
  }
  // Each stands on its own: one that was merged after a later one still runs where that one has.
  const migrator = new Migrator({
    db: database.reader,
    provider: { getMigrations: async () => migrations },
    allowUnorderedMigrations: true,
  })
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined) throw error instanceof Error ? error : new Error('a migration failed', { cause: error })
}

/** Names of the migrations this version has and the database has not. */
export async function pendingMigrations(reader: Reader): Promise<string[]> {
  const applied = await appliedMigrations(reader)
  return Object.keys(migrations).filter((name) => !applied.includes(name))
}

async function appliedMigrations(reader: Reader): Promise<string[]> {
  try {
    const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(reader)
    return rows.map((row) => row.name)
  } catch (error) {
    if (sqlState(error) === '42P01') return []
    throw error
  }
}
