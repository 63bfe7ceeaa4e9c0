import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MovedClock } from '../../test/support/moved-clock.ts'
import { Lease } from './lease.ts'

describe('a lease', () => {
  it('is held from the first look that was applied, for the maximum staleness since that look was sent', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3_000, max: 60_000 }), fc.nat(70_000), fc.nat(70_000), (most, travel, later) => {
        const clock = new MovedClock()
        const lease = new Lease(clock, most)
        expect(lease.isHeld()).toBe(false)
        const mark = lease.mark()
        clock.pass(travel)
        expect(lease.isHeld()).toBe(false)
        lease.renew(mark)
        expect(lease.isHeld()).toBe(travel < most)
        clock.pass(later)
        expect(lease.isHeld()).toBe(travel + later < most)
        expect(lease.remainingMs()).toBe(Math.max(0, most - travel - later))
      }),
    )
  })

  it('is over while wall and monotonic time have parted by more than half a second, either way, and held again after the next look', () => {
    fc.assert(
      fc.property(fc.integer({ min: -7_200_000, max: 7_200_000 }), (byMs) => {
        const clock = new MovedClock()
        const lease = new Lease(clock, 60_000)
        lease.renew(lease.mark())
        clock.pass(100)
        clock.setWall(byMs)
        expect(lease.isHeld()).toBe(Math.abs(byMs) <= 500)
        lease.renew(lease.mark())
        expect(lease.isHeld()).toBe(true)
      }),
    )
  })

  it('is over at once when it is ended', () => {
    const lease = new Lease(new MovedClock(), 60_000)
    lease.renew(lease.mark())
    lease.end()
    expect([lease.isHeld(), lease.remainingMs()]).toEqual([false, 0])
  })
})
