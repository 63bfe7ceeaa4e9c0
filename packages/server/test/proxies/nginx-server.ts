import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const guide = path.resolve(import.meta.dirname, '../../../../docs/guides/nginx.md')

/** Is nginx on this machine, with the module? */
export function hasNginx(): boolean {
  const { stderr } = spawnSync('nginx', ['-V'], { encoding: 'utf8', env: environment })
  return (stderr ?? '').includes('http_auth_request_module')
}

// Debian keeps it where only root's PATH leads.
const environment = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` }

export interface Nginx {
  readonly url: string
  /** All that it has logged. */
  log(): Promise<string>
  stop(): Promise<void>
}

export interface Places {
  readonly keyturn: string
  readonly product: string
  readonly managementKey: string
}

/** Starts nginx with the configuration of the guide, but for addresses and the management key. */
export async function startNginx(places: Places): Promise<Nginx> {
  const directory = await mkdtemp(path.join(tmpdir(), 'keyturn-nginx-'))
  // As root its workers are somebody else, who must get at its temporary files.
  await chmod(directory, 0o755)
  const port = await findPort()
  const keyFile = path.join(directory, 'keyturn-key.conf')
  await writeFile(keyFile, `proxy_set_header X-Keyturn-Management-Key ${places.managementKey};\n`, { mode: 0o600 })
  const errorLog = path.join(directory, 'error.log')
  const site = replaceEach(await readGuide(), {
    'server 127.0.0.1:4500': `server ${places.keyturn}`,
    'server 127.0.0.1:3000': `server ${places.product}`,
    'listen 127.0.0.1:8080': `listen 127.0.0.1:${port}`,
    '/etc/nginx/keyturn-key.conf': keyFile,
  })
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const configuration = `
    daemon off;
    worker_processes 1;
    pid ${path.join(directory, 'nginx.pid')};
    error_log ${errorLog} info;
    ${process.getuid?.() === 0 ? 'user nobody nogroup;' : ''}
    events {}
    http {
      access_log off;
      ${temporary.map((name) => `${name}_temp_path ${path.join(directory, name)};`).join('\n')}
      ${site}
    }`
  const file = path.join(directory, 'nginx.conf')
  await writeFile(file, configuration)
  const nginx = spawn('nginx', ['-p', directory, '-e', errorLog, '-c', file], { stdio: 'ignore', env: environment })
  const log = () => readFile(errorLog, 'utf8')
  const stop = async () => {
    await end(nginx)
    await rm(directory, { recursive: true, force: true })
  }
  try {
    await waitUntilListening(nginx, port)
  } catch (error) {
    const said = await log().catch(() => '')
    await stop()
    throw new Error(`nginx does not start: ${said}`, { cause: error })
  }
  return { url: `http://127.0.0.1:${port}`, log, stop }
}

async function readGuide(): Promise<string> {
  const [, site] = /^```nginx\n(.*?)^```$/ms.exec(await readFile(guide, 'utf8')) ?? []
  if (site === undefined) throw new Error(`${guide} has no configuration`)
  return site
}

function replaceEach(text: string, replacements: Record<string, string>): string {
  return Object.entries(replacements).reduce((changed, [old, replacement]) => {
    if (changed.split(old).length !== 2) throw new Error(`the guide should have ${old} once`)
    return changed.replace(old, replacement)
  }, text)
}

async function findPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function waitUntilListening(nginx: ChildProcess, port: number): Promise<void> {
  const deadline = performance.now() + 10_000
  while (nginx.exitCode === null && performance.now() < deadline) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return
    } catch {
      await sleep(20)
    } finally {
      socket.destroy()
    }
  }
  throw new Error(`exit code ${nginx.exitCode}`)
}

async function end(nginx: ChildProcess): Promise<void> {
  if (nginx.exitCode !== null || nginx.signalCode !== null) return
  const ended = once(nginx, 'exit')
  nginx.kill('SIGTERM')
  await ended
}
