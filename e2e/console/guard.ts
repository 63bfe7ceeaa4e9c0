import { afterEach, expect } from 'vitest'
import { goodPassword } from '../../packages/server/test/support/good-password.ts'
import { findKept, secretShapes, strangersIn } from './kept.ts'
import { pages } from './watched.ts'

/** On for every test of every file that opens the console: whatever it was about, nothing failed unasked, and nothing was kept. */
afterEach(async () => {
  for (const { page, failures } of pages) {
    expect(failures.splice(0)).toEqual([])
    if (page.isClosed() || !page.url().startsWith('http')) continue
    const kept = await findKept(page)
    expect(kept).not.toMatch(secretShapes)
    expect(kept).not.toContain(goodPassword)
    expect(strangersIn(kept)).toEqual([])
  }
})
