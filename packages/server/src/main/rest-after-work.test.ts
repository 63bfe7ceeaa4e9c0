import { describe, expect, it } from 'vitest'
import { restAfterWork } from './rest-after-work.ts'

/** How long it rests after it has worked for so long. */
async function restAfter(workMs: number, mustYield: () => boolean): Promise<number> {
  let time = 0
  const pause = async (ms: number) => {
    time += ms
  }
  const rest = restAfterWork({ monotonic: () => time }, async () => mustYield(), pause)
  time += workMs
  await rest()
  return time - workMs
}

describe('work in the background', () => {
  it('rests as long as it has worked, for half a second at most', async () => {
    expect(await restAfter(40, () => false)).toBe(40)
    expect(await restAfter(5_000, () => false)).toBe(500)
  })

  it('yields as long as it must, and goes on after ten seconds all the same', async () => {
    const asked = [true, true, true, false]
    expect(await restAfter(40, () => asked.shift() ?? false)).toBe(1_540)
    expect(await restAfter(500, () => true)).toBe(10_000)
  })
})
