import { createTransport } from 'nodemailer'

export interface Message {
  readonly to: string
  readonly subject: string
  readonly text: string
}

// Somebody waits for the answer.
const timeoutMs = 10_000

/**
 * Mail by SMTP. Sending ends when the server has taken the mail, or throws.
 *
 * @param url `smtp://user:password@host:587`, or `smtps://` for TLS from the start
 */
export function openSmtpMailer(url: string, from: string): { send(message: Message): Promise<void> } {
  const transport = createTransport({
    url,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return {
    async send({ to, subject, text }) {
      // As an object: what is in an address never becomes another header or recipient.
      await transport.sendMail({ from, to: { name: '', address: to }, subject, text })
    },
  }
}
