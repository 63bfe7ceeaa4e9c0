import { readdirSync, readFileSync } from 'node:fs'

const ticksPerSecond = 100

/**
 * Milliseconds that this process and the processes of a PostgreSQL server have worked so far: on a machine that others use, too,
 * a truer measure than the clock. On Linux alone; elsewhere NaN.
 *
 * @param postmaster its pid
 */
export function workedMs(postmaster: number): number {
  const own = process.cpuUsage()
  if (process.platform !== 'linux') return Number.NaN
  let ticks = 0
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) ticks += ticksOf(pid, postmaster)
  return (own.user + own.system) / 1000 + (ticks / ticksPerSecond) * 1000
}

/** proc(5): after the name in brackets the state, the parent's pid, and, and, ten and eleven further on, the times. */
function ticksOf(pid: string, parent: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return Number(fields[1]) === parent ? Number(fields[11]) + Number(fields[12]) : 0
  } catch {
    return 0
  }
}
