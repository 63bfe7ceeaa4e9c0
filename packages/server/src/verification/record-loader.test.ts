import { randomBytes } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { engines } from '../../test/support/engines.ts'
import { MovedClock } from '../../test/support/moved-clock.ts'
import { RecordCache } from './record-cache.ts'
import { RecordLoader } from './record-loader.ts'

const engine = engines.find(({ name }) => name === 'PostgreSQL')

async function start() {
  const database = await engine?.open()
  if (!database) throw new Error('an engine is needed')
  onTestFinished(() => database.close())
  let statements = 0
  let afterRead = () => {}
  const reader = database.reader.withPlugin({
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      statements++
      afterRead()
      return result
    },
  })
  const cache = new RecordCache(100, 100)
  const clock = new MovedClock()
  const state = { applied: 0, mayRemember: true }
  const loader = new RecordLoader(reader, cache, {
    applied: () => state.applied,
    mayRemember: () => state.mayRemember,
    monotonic: () => clock.monotonic(),
  })
  const digest = randomBytes(32)
  return {
    cache,
    clock,
    loader,
    state,
    digest,
    statements: () => statements,
    /** Happens between a statement and its answer. */
    meanwhile: (work: () => void) => {
      afterRead = work
    },
    remembered: () => cache.get(digest.toString('latin1')),
  }
}

describe('a cold read', () => {
  it('is remembered', async () => {
    const { loader, digest, remembered } = await start()
    expect((await loader.load(digest)).what).toBe('miss')
    expect(remembered()).toBe('miss')
  })

  it('is read again where a change was applied meanwhile, and then remembered', async () => {
    const { loader, digest, cache, meanwhile, remembered, statements } = await start()
    let times = 0
    meanwhile(() => {
      if (times++ === 0) cache.pass()
    })
    await loader.load(digest)
    expect([statements(), remembered()]).toEqual([2, 'miss'])
  })

  it('comes to an end, but is not remembered, where changes never stop', async () => {
    const { loader, digest, cache, meanwhile, remembered, statements } = await start()
    meanwhile(() => cache.pass())
    expect((await loader.load(digest)).what).toBe('miss')
    expect([statements(), remembered()]).toEqual([2, undefined])
  })

  it('is not remembered where it is older than what was applied, or without a lease', async () => {
    const { loader, digest, state, remembered } = await start()
    state.applied = 1_000_000
    await loader.load(digest)
    expect(remembered()).toBeUndefined()
    state.applied = 0
    state.mayRemember = false
    await loader.load(digest)
    expect(remembered()).toBeUndefined()
  })

  it('is shared by requests for the same value, but not with whoever may have been told of a change, nor for long', async () => {
    const { loader, digest, cache, clock, state, statements, meanwhile } = await start()
    const late: Promise<unknown>[] = []
    const joinLate = (before: () => void) => {
      let isFirst = true
      meanwhile(() => {
        if (!isFirst) return
        isFirst = false
        before()
        late.push(loader.load(digest))
      })
    }
    const readsOf = async (before: () => void) => {
      const already = statements()
      joinLate(before)
      await Promise.all([loader.load(digest), loader.load(digest)])
      await Promise.all(late.splice(0))
      return statements() - already
    }
    expect(await readsOf(() => {})).toBe(1)
    expect(await readsOf(() => clock.pass(251))).toBe(2)
    expect(await readsOf(() => (state.mayRemember = false))).toBe(2)
    state.mayRemember = true
    // Its own, and the first once more.
    expect(await readsOf(() => cache.pass())).toBe(3)
  })
})
