import { connect, createServer, type Socket } from 'node:net'

/** Which connections: by the application name that their client gave to PostgreSQL. */
export type Which = (applicationName: string) => boolean

/** The network between a node and its database, which can fail as real ones do: without a word. */
export interface SilentProxy {
  /** Of the database, by way of this proxy. */
  readonly url: string
  /** From now on nothing comes through in either direction, and nobody is told: no RST, no FIN. New connections are taken, and hear nothing. */
  silence(which?: Which): void
  /** From now on statements reach the database, and its answers are held. */
  holdAnswers(which?: Which): void
  /** Lets everything through again, what was held first. */
  speak(): void
  /** New connections work again; those that there are stay dead without notice, as after the failover of a router. */
  forgetConnections(which?: Which): void
  /** How many answers are held. */
  readonly heldAnswers: number
  close(): Promise<void>
}

type Direction = 'toServer' | 'toClient'

interface Link {
  readonly client: Socket
  readonly server: Socket
  applicationName: string
  isForgotten: boolean
  readonly held: Record<Direction, (() => void)[]>
}

export async function openSilentProxy(databaseUrl: string): Promise<SilentProxy> {
  const target = new URL(databaseUrl)
  const links = new Set<Link>()
  let isHeld = (_link: Link, _direction: Direction): boolean => false

  const listener = createServer({ allowHalfOpen: true }, (client) => {
    const server = connect({ port: Number(target.port), host: target.hostname, allowHalfOpen: true })
    const link: Link = { client, server, applicationName: '', isForgotten: false, held: { toServer: [], toClient: [] } }
    links.add(link)
    const pass = (direction: Direction, act: () => void) => {
      if (link.isForgotten || link.held[direction].length > 0 || isHeld(link, direction)) link.held[direction].push(act)
      else act()
    }
    client.once('data', (startup: Buffer) => {
      link.applicationName = /application_name\0([^\0]*)\0/.exec(startup.toString('latin1'))?.[1] ?? ''
    })
    client.on('data', (data) => pass('toServer', () => server.write(data)))
    server.on('data', (data) => pass('toClient', () => client.write(data)))
    client.on('error', () => {}).on('end', () => pass('toServer', () => server.end()))
    server.on('error', () => {}).on('end', () => pass('toClient', () => client.end()))
    client.on('close', () => pass('toServer', () => server.destroy()))
    server.on('close', () => pass('toClient', () => client.destroy()))
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const address = listener.address()
  if (typeof address !== 'object' || address === null) throw new Error('the proxy does not listen')
  const url = new URL(databaseUrl)
  url.host = `127.0.0.1:${address.port}`

  return {
    url: url.href,
    silence(which = () => true) {
      isHeld = (link) => which(link.applicationName)
    },
    holdAnswers(which = () => true) {
      isHeld = (link, direction) => direction === 'toClient' && which(link.applicationName)
    },
    speak() {
      isHeld = () => false
      for (const link of links) {
        if (link.isForgotten) continue
        for (const direction of ['toServer', 'toClient'] as const)
          for (const act of link.held[direction].splice(0)) act()
      }
    },
    forgetConnections(which = () => true) {
      for (const link of links) link.isForgotten ||= which(link.applicationName)
      isHeld = () => false
    },
    get heldAnswers() {
      return [...links].reduce((sum, link) => sum + link.held.toClient.length, 0)
    },
    async close() {
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()))
      for (const { client, server } of links) {
        client.destroy()
        server.destroy()
      }
      await closed
    },
  }
}
