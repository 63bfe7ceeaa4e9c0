import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, chmodSync, constants, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Browser, chromium } from 'playwright-core'

/** What a browser does unasked, switched off: nothing may leave this machine, and there is no GPU to look for. */
const flags = [
  // For root, and in containers that allow no user namespaces. All it opens are pages of ours.
  '--no-sandbox',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--disable-gpu',
  // A name that is neither this machine's own nor reached by TLS: browsers trust a page there less.
  '--host-resolver-rules=MAP keyturn.internal 127.0.0.1',
]

const fontSettings = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir prefix="relative">fonts</dir></fontconfig>
`

/**
 * A real browser, from npm, with its fonts and libraries: nothing need be installed. Closing it leaves nothing behind but
 * what was unpacked, below `node_modules`, where the next one finds it.
 */
export async function openBrowser(): Promise<Browser> {
  // The package is for 64-bit Linux. Elsewhere people have a browser.
  if (process.platform !== 'linux' || process.arch !== 'x64') return chromium.launch({ channel: 'chrome', args: flags })
  const { directory, remove } = await findUnpacked()
  const { LD_LIBRARY_PATH, ...environment } = process.env
  const libraries = [path.join(directory, 'al2023', 'lib'), ...(LD_LIBRARY_PATH ? [LD_LIBRARY_PATH] : [])]
  const browser = await chromium.launch({
    executablePath: path.join(directory, 'chromium'),
    args: flags,
    env: { ...environment, FONTCONFIG_PATH: path.join(directory, 'fonts'), LD_LIBRARY_PATH: libraries.join(':') },
  })
  browser.on('disconnected', remove)
  return browser
}

async function findUnpacked(): Promise<{ directory: string; remove: () => void }> {
  const require = createRequire(import.meta.url)
  const packageFile = path.join(path.dirname(require.resolve('@sparticuz/chromium')), '..', '..', 'package.json')
  const { version } = require(packageFile) as { version: string }
  const modules = path.resolve(path.dirname(packageFile), '..', '..')
  const kept = path.join(modules, '.cache', 'keyturn', `chromium-${version}`)
  if (isUsable(kept)) return { directory: kept, remove: () => {} }
  const fresh = await unpack(path.dirname(kept))
  try {
    // Whole or not at all: of several that unpack at once the first one to be done is kept.
    renameSync(fresh, kept)
    return { directory: kept, remove: () => {} }
  } catch {
    return { directory: fresh, remove: () => rmSync(fresh, { recursive: true, force: true }) }
  }
}

function isUsable(directory: string): boolean {
  try {
    accessSync(path.join(directory, 'chromium'), constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** @param parent if it can be written to; else the temporary directory */
async function unpack(parent: string): Promise<string> {
  let directory: string
  try {
    mkdirSync(parent, { recursive: true })
    directory = mkdtempSync(path.join(parent, 'unpacking-'))
  } catch {
    directory = mkdtempSync(path.join(tmpdir(), 'keyturn-chromium-'))
  }
  // Whoever runs the tests next may be another user.
  chmodSync(directory, 0o755)
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'unpack-chromium.mjs')], {
    env: { ...process.env, TMPDIR: directory, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [code] = await once(child, 'exit')
  if (code !== 0) {
    rmSync(directory, { recursive: true, force: true })
    throw new Error('the browser cannot be unpacked; `npm ci` brings it')
  }
  chmodSync(path.join(directory, 'chromium'), 0o755)
  // The package's own looks for fonts in /tmp.
  writeFileSync(path.join(directory, 'fonts', 'fonts.conf'), fontSettings)
  return directory
}
