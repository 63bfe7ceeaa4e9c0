// Keeps the key of a machine renewed for ever: node keep-renewed.mjs https://keys.example.com /etc/my-app/key [--once]
// The file holds the value, and the key has the scope self:rotate. Node 18 or newer, nothing else. docs/guides/self-renewal.md
import { open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

const [server = '', file = '', once] = process.argv.slice(2)

async function call(method = 'GET', action = '', value = '') {
  const headers = { authorization: `Bearer ${value}` }
  const answer = await fetch(`${server}/v1/keys/self/${action}`, {
    method,
    headers,
    signal: AbortSignal.timeout(30_000),
  })
  const body = JSON.parse(await answer.text())
  if (!answer.ok) throw new Error(`${method} ${action}: ${answer.status} ${body.code}. ${body.detail}`)
  return body
}

/** The file has the old value or the new one, whole, whatever happens: written beside it, on the disk, then put in its place. */
async function keep(value = '') {
  const fresh = await open(`${file}.new`, 'w', 0o600)
  await fresh.writeFile(`${value}\n`)
  await fresh.sync()
  await fresh.close()
  await rename(`${file}.new`, file)
  const directory = await open(dirname(file))
  await directory.sync()
  await directory.close()
}

/** Was the answer to the last renewal lost? Then the file has the retiring value, whose window is open: this is asked again. */
async function renewWhereDue() {
  const value = (await readFile(file, 'utf8')).trim()
  const { suggested_window, now, retry_after } = await call('GET', 'renewal-info', value)
  if (suggested_window === null || now < suggested_window.start) return retry_after
  const { secret } = await call('POST', 'rotate', value)
  await keep(secret.value)
  // The first call with the new value: from now on nobody can take it for one that was lost.
  return (await call('GET', 'renewal-info', secret.value)).retry_after
}

for (;;) {
  const seconds = await renewWhereDue().catch((error) => {
    console.error(String(error))
    process.exitCode = 1
    return 60
  })
  if (once) break
  await new Promise((resolve) => setTimeout(resolve, 1000 * seconds))
}
