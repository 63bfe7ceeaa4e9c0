import type { Page } from 'playwright-core'

/** Whatever has the shape of a value of a key, of a token, of a management key or of the root key. */
export const secretShapes =
  /\bkt_(?:pub_)?(?:live|test)_[0-9A-Za-z]{38}\b|\bkt_root_\w{16,}|\beyJ[\w-]+\.[\w-]+\.[\w-]{86}/

/**
 * All that a browser keeps of a page, or shows to others: addresses (this one, those that Back and Forward lead to, where it came from), titles,
 * stores of every kind, cookies that scripts cannot read too.
 */
export async function findKept(page: Page): Promise<string> {
  const ofPage = await page.evaluate<string>(`(async () => JSON.stringify({
    address: location.href, referrer: document.referrer, title: document.title, state: history.state, name: window.name,
    local: { ...localStorage }, session: { ...sessionStorage },
    databases: (await indexedDB.databases?.()) ?? [], caches: self.caches ? await caches.keys() : [],
    workers: ((await navigator.serviceWorker?.getRegistrations()) ?? []).map(({ scope }) => scope),
  }))()`)
  const devtools = await page.context().newCDPSession(page)
  const { entries } = await devtools.send('Page.getNavigationHistory')
  await devtools.detach()
  const history = entries.map(({ url, userTypedURL, title }) => ({ url, userTypedURL, title }))
  return JSON.stringify({ ...JSON.parse(ofPage), history, cookies: await page.context().cookies() })
}

/** The stores that the console has: what colours it is in, and where one had scrolled to. */
export function strangersIn(kept: string): string[] {
  const { local, session, databases, caches, workers, name } = JSON.parse(kept)
  return [
    ...Object.keys(local).filter((one) => one !== 'keyturn-color-scheme'),
    ...Object.keys(session).filter((one) => !one.startsWith('tsr-scroll-restoration')),
    ...databases.map((one: { name: string }) => `database ${one.name}`),
    ...caches.map((one: string) => `cache ${one}`),
    ...workers.map((one: string) => `worker ${one}`),
    ...(name === '' ? [] : [`window.name ${name}`]),
  ]
}
