import { benchList } from './list.ts'

interface Bench {
  readonly about: string
  readonly run: () => Promise<void>
}

const benches: Record<string, Bench> = {
  list: {
    about: 'pages of a list of 1,000,000 keys on PostgreSQL, each under 50 ms (about 6 minutes)',
    run: benchList,
  },
}

const [name] = process.argv.slice(2)
if (name === undefined) {
  console.log('npm run bench -- <name>, with one of:\n')
  for (const [known, { about }] of Object.entries(benches)) console.log(`  ${known.padEnd(10)} ${about}`)
} else {
  const bench = Object.hasOwn(benches, name) ? benches[name] : undefined
  if (bench) await bench.run()
  else {
    console.error(`There is no bench ${JSON.stringify(name)}; there is: ${Object.keys(benches).join(', ')}.`)
    process.exitCode = 2
  }
}
