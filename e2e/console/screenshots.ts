// `npm run screenshots`: pictures of the console with the demo's data, for the README. The demo is made in a directory of its own.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { demoPassword, demoPeople } from '../../packages/server/src/main/demo-people.ts'
import { openBrowser } from '../../packages/server/test/support/browser.ts'

const root = path.resolve(import.meta.dirname, '..', '..')
const pictures = path.join(root, 'docs', 'screenshots')
mkdirSync(pictures, { recursive: true })
const home = '/console/northwind-freight'

const shots = [
  { name: 'overview', path: home, dark: false, phone: false },
  { name: 'keys', path: `${home}/keys`, dark: false, phone: false },
  { name: 'expirations', path: `${home}/expirations`, dark: true, phone: false },
  { name: 'overview-phone', path: home, dark: true, phone: true },
] as const

const directory = mkdtempSync(path.join(tmpdir(), 'keyturn-screenshots-'))
const demo = path.join(root, 'packages', 'server', 'src', 'main', 'demo.ts')
const environment = { ...process.env, KEYTURN_DATA_DIR: path.join(directory, 'data'), KEYTURN_PORT: '0' }
const server = spawn(process.execPath, [demo], { env: environment, stdio: ['ignore', 'pipe', 'inherit'] })
const browser = await openBrowser()
try {
  let said = ''
  await new Promise<void>((resolve, reject) => {
    server.once('exit', () => reject(new Error(`the demo ended:\n${said}`)))
    server.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (said.includes('Ctrl-C ends it')) resolve()
    })
  })
  const address = /Open +(\S+?),/.exec(said)?.[1]
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Berlin', reducedMotion: 'reduce' })
  const page = await context.newPage()
  await page.goto(`${address}/sign-in`)
  await page.getByLabel('E-mail address').fill(demoPeople[0]?.email ?? '')
  await page.getByLabel('Password').fill(demoPassword)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL(/\/console\//)
  for (const { name, path: where, dark, phone } of shots) {
    await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' })
    await page.setViewportSize(phone ? { width: 390, height: 780 } : { width: 1280, height: 800 })
    await page.goto(`${address}${where}`)
    await page.waitForLoadState('networkidle')
    await page.screenshot({ path: path.join(pictures, `${name}.png`) })
    console.log(`docs/screenshots/${name}.png`)
  }
} finally {
  await browser.close()
  server.kill()
  await once(server, 'exit')
  rmSync(directory, { recursive: true, force: true })
}
