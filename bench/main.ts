import { benchImport } from './import.ts'
import { benchLimits } from './limits.ts'
import { benchList } from './list.ts'
import { installPeers } from './peers.ts'
import { benchReminders } from './reminders.ts'
import { benchRevoke } from './revoke.ts'
import { benchVerify } from './verify.ts'

interface Bench {
  readonly about: string
  readonly run: (parts: readonly string[]) => Promise<void>
}

const benches: Record<string, Bench> = {
  list: {
    about: 'pages of a list of 1,000,000 keys on PostgreSQL, each under 50 ms (about 12 minutes)',
    run: benchList,
  },
  verify: {
    about: 'verdicts beside a ceiling and beside peers; or one part: warm, cold, sizes, flood (about 10 minutes)',
    run: benchVerify,
  },
  limits: {
    about:
      'verdicts on keys with a rate limit, in memory and in Redis, and with a quota, beside keys without (about 4 minutes)',
    run: benchLimits,
  },
  revoke: {
    about: 'how long a revoked key is still valid, on 4 nodes under load (about 5 minutes)',
    run: benchRevoke,
  },
  reminders: {
    about:
      '1,000,000 keys of which 20,000 are due: planned in under 30 s, and what that costs verdicts (about 5 minutes)',
    run: benchReminders,
  },
  import: {
    about: '1,000,000 keys of another system, through the API in calls of 10,000, in under 3 minutes (about 4 minutes)',
    run: benchImport,
  },
  peers: {
    about: 'installs what verify is compared with',
    run: installPeers,
  },
}

const [name, ...parts] = process.argv.slice(2)
if (name === undefined) {
  console.log('npm run bench -- <name>, with one of:\n')
  for (const [known, { about }] of Object.entries(benches)) console.log(`  ${known.padEnd(10)} ${about}`)
} else {
  const bench = Object.hasOwn(benches, name) ? benches[name] : undefined
  if (bench) await bench.run(parts)
  else {
    console.error(`There is no bench ${JSON.stringify(name)}; there is: ${Object.keys(benches).join(', ')}.`)
    process.exitCode = 2
  }
}
