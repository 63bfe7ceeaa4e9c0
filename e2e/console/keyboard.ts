import type { Locator, Page } from 'playwright-core'
import { expect } from 'vitest'

/**
 * Looks at where the focus is: on the screen and not covered (WCAG 2.2, 2.4.11), with an outline of 2 px or more that it has only while it is
 * focused (2.4.7, 2.4.13), 3 : 1 against what is beside it (1.4.11). What is drawn by its label has the outline there.
 */
const lookAtFocus = `(() => {
  const paint = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  const channels = (color) => {
    paint.clearRect(0, 0, 1, 1)
    paint.fillStyle = color
    paint.fillRect(0, 0, 1, 1)
    return [...paint.getImageData(0, 0, 1, 1).data]
  }
  const luminance = ([red, green, blue]) => {
    const [r, g, b] = [red, green, blue].map((one) => (one / 255 <= 0.04045 ? one / 255 / 12.92 : ((one / 255 + 0.055) / 1.055) ** 2.4))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const contrast = (one, other) => {
    const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a)
    return (light + 0.05) / (dark + 0.05)
  }
  const surfaceOf = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const color = channels(getComputedStyle(one).backgroundColor)
      if (color[3] > 250) return color
    }
    return channels('Canvas')
  }
  const outlineOf = (element) => {
    const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(element)
    return outlineStyle === 'none' || parseFloat(outlineWidth) < 2 ? null : outlineColor
  }
  const focused = document.activeElement
  if (!focused || focused === document.body) return { what: 'the browser', faults: [] }
  const what = focused.tagName.toLowerCase() + ' ' + (focused.getAttribute('aria-label') ?? focused.labels?.[0]?.textContent ?? focused.textContent ?? '').trim().slice(0, 60)
  const faults = []
  const bearers = [focused, ...(focused.labels ?? []), focused.nextElementSibling].filter(Boolean)
  const bearer = bearers.find(outlineOf)
  if (!bearer) faults.push('no outline')
  else {
    const found = contrast(channels(outlineOf(bearer)), surfaceOf(bearer.parentElement))
    if (found < 3) faults.push('the outline has a contrast of ' + found.toFixed(1))
  }
  const before = window.focusBefore
  if (before && before !== bearer && before.isConnected && outlineOf(before)) faults.push('what was focused before still has its outline')
  window.focusBefore = bearer
  const shown = bearer ?? focused
  const { left, right, top, bottom } = shown.getBoundingClientRect()
  const [x, y] = [(left + right) / 2, Math.min(Math.max((top + bottom) / 2, 1), innerHeight - 1)]
  if (left < 0 || right > innerWidth || bottom < 0 || top > innerHeight || (bottom - top < innerHeight && (top < 0 || bottom > innerHeight)))
    faults.push('outside of the screen: ' + [left, top, right, bottom].map(Math.round))
  else {
    const seen = document.elementFromPoint(x, y)
    const isSeen = seen && (shown.contains(seen) || seen.contains(shown) || [...(focused.labels ?? [])].some((one) => one.contains(seen)))
    // What has just been said goes away by itself.
    if (!isSeen && !seen?.closest('.mantine-Notifications-root')) faults.push('covered by ' + seen?.outerHTML.slice(0, 80))
  }
  return { what, faults }
})()`

const mostStops = 90

/** Hands that have no pointer. Wherever they stop, the focus is seen. */
export function keyboardOf(page: Page) {
  async function look(): Promise<string> {
    const { what, faults } = await page.evaluate<{ what: string; faults: string[] }>(lookAtFocus)
    expect(faults, what).toEqual([])
    return what
  }
  const isOn = (wanted: Locator) => wanted.evaluateAll((all) => all.some((one) => one.matches(':focus')))
  async function go(key: 'Tab' | 'Shift+Tab', wanted: Locator): Promise<void> {
    await wanted.first().waitFor({ state: 'attached' })
    const passed: string[] = []
    while (passed.length < mostStops) {
      await page.keyboard.press(key)
      passed.push(await look())
      // Out at the end and in at the beginning, through what is the browser's own; but never nowhere for long.
      expect(passed.slice(-2)).not.toEqual(['the browser', 'the browser'])
      if (await isOn(wanted)) return
    }
    throw new Error(`${String(wanted)} is not reached. On the way: ${passed.join(' → ')}`)
  }
  const to = (wanted: Locator) => go('Tab', wanted)
  return {
    to,
    back: (wanted: Locator) => go('Shift+Tab', wanted),
    /** Over the whole page, to where it ends. @returns where one stops on the way */
    async walk(): Promise<string[]> {
      const stops: string[] = []
      while (stops.length < mostStops) {
        await page.keyboard.press('Tab')
        const stop = await look()
        if (stop === 'the browser') return stops
        stops.push(stop)
      }
      throw new Error(`the page has no end: ${stops.join(' → ')}`)
    },
    press: (...keys: string[]) =>
      keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve()),
    /** Reaches it, unless the focus is there already, and presses it. */
    async activate(wanted: Locator, key: 'Enter' | 'Space' = 'Enter'): Promise<void> {
      await wanted.first().waitFor()
      if (!(await isOn(wanted))) await to(wanted)
      await page.keyboard.press(key)
    },
    /** In a menu that has just been opened. */
    async pick(item: Locator): Promise<void> {
      await item.waitFor()
      for (let stops = 0; stops < 20 && !(await isOn(item)); stops++) await page.keyboard.press('ArrowDown')
      await look()
      await page.keyboard.press('Enter')
    },
    /** Reaches the field, unless a dialog has put the focus there, and types instead of what is there. */
    async fill(wanted: Locator, text: string): Promise<void> {
      await wanted.waitFor()
      if (!(await isOn(wanted))) await to(wanted)
      await look()
      await page.keyboard.press('ControlOrMeta+A')
      await page.keyboard.type(text)
    },
    /** The focus is there without anybody having gone there. */
    async expectOn(wanted: Locator): Promise<void> {
      const whatIs = () => page.locator(':focus').evaluateAll((all) => all.map((one) => one.outerHTML.slice(0, 200)))
      const message = String(wanted)
      await expect
        .poll(async () => (await isOn(wanted)) || (await whatIs()), { message, interval: 20, timeout: 10_000 })
        .toBe(true)
    },
    /** Round and round, both ways, and never out. */
    async expectTrapped(dialog: Locator): Promise<void> {
      for (const key of [
        'Tab',
        'Tab',
        'Tab',
        'Tab',
        'Tab',
        'Tab',
        'Tab',
        'Tab',
        'Shift+Tab',
        'Shift+Tab',
        'Shift+Tab',
      ]) {
        await page.keyboard.press(key)
        await look()
        expect(await dialog.evaluate((one) => one.matches(':focus-within'))).toBe(true)
      }
    },
  }
}
