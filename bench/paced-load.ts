import { Agent, request } from 'node:http'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

/** Times in milliseconds. */
export interface PacedRound {
  readonly requests: number
  readonly p50: number
  readonly p99: number
}

const everyMs = 4

/**
 * Verdicts at a steady rate, as traffic comes: each request is sent when its time has come, whether the one before was answered or not.
 *
 * @param perSecond far below what the server can do
 */
export async function measurePaced(
  url: string,
  {
    values,
    credential,
    perSecond,
    seconds,
  }: { values: readonly string[]; credential: string; perSecond: number; seconds: number },
): Promise<PacedRound> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const times: number[] = []
  const under: Promise<void>[] = []
  const begin = performance.now()
  const total = perSecond * seconds
  while (under.length < total) {
    const wanted = Math.min(total, Math.floor(((performance.now() - begin) / 1000) * perSecond))
    while (under.length < wanted)
      under.push(ask(agent, url, credential, values[under.length % values.length] ?? '', times))
    await sleep(everyMs)
  }
  await Promise.all(under)
  agent.destroy()
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.floor(times.length * share)] ?? Number.NaN
  return { requests: times.length, p50: at(0.5), p99: at(0.99) }
}

function ask(agent: Agent, url: string, credential: string, key: string, times: number[]): Promise<void> {
  const body = JSON.stringify({ key })
  const sentAt = performance.now()
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${credential}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    }
    const asked = request(`${url}/v1/verify`, { method: 'POST', agent, headers }, (response) => {
      response.resume().once('end', () => {
        if (response.statusCode !== 200) reject(new Error(`a verdict gave ${response.statusCode}`))
        times.push(performance.now() - sentAt)
        resolve()
      })
    })
    asked.once('error', reject).end(body)
  })
}
