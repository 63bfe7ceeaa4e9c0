import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { setUp } from './keyturn-setup.ts'
import { median } from './load.ts'
import { measurePaced, type PacedRound } from './paced-load.ts'
import { serverCore } from './processes.ts'

const keyCount = 1_000_000
const dueCount = 20_000
const presented = 1_000
const perSecond = 2_000
const roundSeconds = 2
const quietRounds = 6

/**
 * A node that gives verdicts at a steady rate, while its own job plans reminders: of a million keys 20,000 have just come within a week of
 * their end. How long that takes is read off the table; how much it slows verdicts is the ratio of the times that they take, of rounds of
 * the same run, with and without it.
 */
export async function benchReminders(): Promise<void> {
  const setup = await setUp(keyCount, true)
  try {
    await ageAYear(setup.client)
    const node = await setup.startNode(serverCore)
    const values = setup.values.slice(0, presented)
    const paced = { values, credential: setup.asker, perSecond, seconds: roundSeconds }
    const measure = () => measurePaced(node.url, paced)
    await measurePaced(node.url, { ...paced, seconds: 10 })
    const quiet: PacedRound[] = []
    for (let round = 0; round < quietRounds; round++) quiet.push(await measure())
    await makeDue(setup.client)
    const { rounds: during, seconds } = await measureWhilePlanning(setup.client, measure)
    for (let round = 0; round < quietRounds; round++) quiet.push(await measure())
    const { rows } = await setup.client.query<{ due: number; reminders: number; events: number }>(`
      select (select count(distinct subject_id) from reminders) as due, (select count(*) from reminders) as reminders,
        (select count(*) from audit_events where action = 'key.expiring') as events`)
    const p50 = (rounds: readonly PacedRound[]) => median(rounds.map((round) => round.p50))
    const p99 = (rounds: readonly PacedRound[]) => median(rounds.map((round) => round.p99))
    const line = (rounds: readonly PacedRound[]) =>
      `p50 ${p50(rounds).toFixed(2)} ms, p99 ${p99(rounds).toFixed(1)} ms (${rounds.length} rounds of ${roundSeconds} s)`
    console.log(`
${keyCount} keys, of which ${rows[0]?.due} were due: ${rows[0]?.reminders} reminders and ${rows[0]?.events} events in ${seconds.toFixed(1)} s (promised: under 30 s)
${perSecond} verdicts a second without planning: ${line(quiet)}
${perSecond} verdicts a second while planning:   ${line(during)}
ratio of p50: ${(p50(during) / p50(quiet)).toFixed(2)} (promised: below 1.1), of p99: ${(p99(during) / p99(quiet)).toFixed(2)}`)
  } finally {
    await setup.stop()
  }
}

/** As after a year in service: of every secret it is known when to look at it next, and none is due. */
async function ageAYear(client: pg.Client): Promise<void> {
  await client.query(
    `insert into reminder_progress (subject_id, organization_id, next_at)
     select id, organization_id, expires_at - interval '60 days' from secrets on conflict (subject_id) do update set next_at = excluded.next_at`,
  )
  await client.query('delete from reminder_sweeps')
  await client.query('vacuum analyze')
  await client.query('checkpoint')
}

/** Scattered over all of them. */
async function makeDue(client: pg.Client): Promise<void> {
  await client.query(
    `update secrets set created_at = now() - interval '1 year', expires_at = now() + interval '7 days' - interval '1 minute'
     where id in (select id from secrets where expires_at < 'infinity' order by md5(id) limit ${dueCount})`,
  )
}

async function measureWhilePlanning(client: pg.Client, round: () => Promise<PacedRound>) {
  const planned = async () =>
    Number((await client.query<{ count: string }>('select count(*) from reminders')).rows[0]?.count)
  const dueLeft = async () =>
    Number(
      (await client.query<{ count: string }>('select count(*) from reminder_progress where next_at <= now()')).rows[0]
        ?.count,
    )
  while ((await planned()) === 0) await sleep(50)
  const startedAt = performance.now()
  const rounds: PacedRound[] = []
  let seconds = 0
  const watch = (async () => {
    while ((await dueLeft()) > 0) await sleep(200)
    seconds = (performance.now() - startedAt) / 1000
  })()
  while (seconds === 0) {
    const measured = await round()
    // One that ends after the planning is of both.
    if (seconds === 0) rounds.push(measured)
  }
  await watch
  return { rounds, seconds }
}
