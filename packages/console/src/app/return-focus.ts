const mostRemembered = 20

/**
 * Gives the focus back to what a dialog was opened from. Mantine does so where a dialog is told to close; those here are gone by then, and
 * the focus would be nowhere. Where what opened it is gone too, the page begins anew at its heading. So does a button that was busy, and
 * could not be pressed for as long.
 */
export function returnFocus(): void {
  const visited: HTMLElement[] = []
  document.addEventListener('focusin', ({ target }) => {
    if (!(target instanceof HTMLElement)) return
    visited.push(target)
    if (visited.length > mostRemembered) visited.shift()
  })
  const isDialog = (node: Node) =>
    node instanceof Element && (node.matches('[role="dialog"]') || node.querySelector('[role="dialog"]') !== null)
  new MutationObserver((changes) => {
    if (document.activeElement !== document.body) return
    const last = visited.at(-1)
    if (last instanceof HTMLButtonElement && !last.disabled && changes.some(({ target }) => target === last))
      return last.focus()
    if (!changes.some(({ removedNodes }) => [...removedNodes].some(isDialog))) return
    const below = [...document.querySelectorAll('[role="dialog"]')].at(-1)
    const next = visited.findLast(
      (one) =>
        one.isConnected &&
        !one.matches(':disabled') &&
        (below ?? document).contains(one) &&
        one.getClientRects().length > 0,
    )
    // A dialog that has come in place of another takes the focus by itself.
    if (next || !below) (next ?? document.querySelector<HTMLElement>('h1'))?.focus()
  }).observe(document.body, { childList: true, subtree: true, attributeFilter: ['disabled'] })
}
