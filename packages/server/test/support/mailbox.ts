import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer } from 'smtp-server'
import { vi } from 'vitest'

/** A mail as its reader sees it, with whom the envelope was for. */
export interface ReceivedMail {
  readonly recipients: readonly string[]
  readonly email: Email
}

/**
 * What it does with a mail: takes it; says a code to its recipient; says nothing any more, or breaks the connection, before it has
 * taken it; takes it and breaks the connection before it says so.
 */
export type Manner = 'take' | number | 'stall' | 'drop' | 'take and drop'

/** A real SMTP server that keeps what it is sent. */
export interface Mailbox {
  /** For SMTP_URL. */
  readonly url: string
  readonly mails: readonly ReceivedMail[]
  /** From now on it takes nothing, or takes everything again. */
  refuse(refusing: boolean): void
  /** From now on, for each recipient. */
  behave(manner: (recipient: string) => Manner): void
  /** The newest one to this address, once it is there. */
  newestTo(address: string): Promise<ReceivedMail>
  stop(): Promise<void>
}

export async function openMailbox(): Promise<Mailbox> {
  const mails: ReceivedMail[] = []
  let mannerTo: (recipient: string) => Manner = () => 'take'
  const sockets = new Map<number, Socket>()
  const breakOff = ({ remotePort }: { remotePort: number }) => sockets.get(remotePort)?.destroy()
  async function take(octets: Buffer, recipients: readonly string[], done: (error: Error | null) => void) {
    try {
      mails.push({ recipients, email: await PostalMime.parse(octets) })
      done(null)
    } catch (error) {
      done(new Error('this mail cannot be read', { cause: error }))
    }
  }
  const server = new SMTPServer({
    authOptional: true,
    // There is no name server to ask, and waiting for none takes longer than the mail.
    disableReverseLookup: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    logger: false,
    onRcptTo: ({ address }, session, done) => {
      const manner = mannerTo(address)
      if (manner === 'drop') breakOff(session)
      else if (typeof manner === 'number')
        done(Object.assign(new Error('this mailbox takes nothing'), { responseCode: manner }))
      else if (manner !== 'stall') done(null)
    },
    onData: (stream, session, done) => {
      const octets: Buffer[] = []
      stream.on('data', (chunk: Buffer) => void octets.push(chunk))
      stream.on('end', () => {
        const recipients = session.envelope.rcptTo.map(({ address }) => address)
        const drops = recipients.some((recipient) => mannerTo(recipient) === 'take and drop')
        void take(Buffer.concat(octets), recipients, drops ? () => breakOff(session) : done)
      })
    },
  })
  server.on('error', () => {})
  server.server.on('connection', (socket) => {
    socket.setNoDelay(true)
    const port = socket.remotePort ?? 0
    sockets.set(port, socket)
    socket.once('close', () => sockets.delete(port))
  })
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  const { port } = server.server.address() as AddressInfo
  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    refuse: (wanted) => {
      mannerTo = () => (wanted ? 550 : 'take')
    },
    behave: (wanted) => {
      mannerTo = wanted
    },
    newestTo: (address) =>
      vi.waitFor(
        () => {
          const found = mails.findLast(({ recipients }) => recipients.includes(address))
          if (!found) throw new Error(`no mail to ${address} has come`)
          return found
        },
        { timeout: 10_000, interval: 10 },
      ),
    stop: () => {
      for (const socket of sockets.values()) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

/** The one link in a mail. */
export function linkIn({ email }: ReceivedMail): string {
  const links = (email.text ?? '').match(/https?:\/\/\S+/g) ?? []
  if (links.length !== 1 || links[0] === undefined) throw new Error(`there are ${links.length} links in: ${email.text}`)
  return links[0]
}
