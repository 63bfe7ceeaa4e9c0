import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer } from 'smtp-server'
import { vi } from 'vitest'

/** A mail as its reader sees it, with whom the envelope was for. */
export interface ReceivedMail {
  readonly recipients: readonly string[]
  readonly email: Email
}

/** A real SMTP server that keeps what it is sent. */
export interface Mailbox {
  /** For SMTP_URL. */
  readonly url: string
  readonly mails: readonly ReceivedMail[]
  /** From now on it takes nothing, or takes everything again. */
  refuse(refusing: boolean): void
  /** The newest one to this address, once it is there. */
  newestTo(address: string): Promise<ReceivedMail>
  stop(): Promise<void>
}

export async function openMailbox(): Promise<Mailbox> {
  const mails: ReceivedMail[] = []
  let refusing = false
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
    disabledCommands: ['AUTH', 'STARTTLS'],
    logger: false,
    onRcptTo: (_, __, done) => done(refusing ? new Error('this mailbox takes nothing') : null),
    onData: (stream, session, done) => {
      const octets: Buffer[] = []
      stream.on('data', (chunk: Buffer) => void octets.push(chunk))
      stream.on('end', () => {
        const recipients = session.envelope.rcptTo.map(({ address }) => address)
        void take(Buffer.concat(octets), recipients, done)
      })
    },
  })
  server.on('error', () => {})
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  const { port } = server.server.address() as AddressInfo
  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    refuse: (wanted) => {
      refusing = wanted
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
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

/** The one link in a mail. */
export function linkIn({ email }: ReceivedMail): string {
  const links = (email.text ?? '').match(/https?:\/\/\S+/g) ?? []
  if (links.length !== 1 || links[0] === undefined) throw new Error(`there are ${links.length} links in: ${email.text}`)
  return links[0]
}
