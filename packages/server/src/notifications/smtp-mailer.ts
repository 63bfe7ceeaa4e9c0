import { createTransport } from 'nodemailer'

export interface Message {
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html?: string | null
  /** RFC 5322 §3.6.4, with its angle brackets; left out: one at random. */
  readonly messageId?: string
}

// Somebody waits for the answer.
const timeoutMs = 10_000

/**
 * Mail by SMTP. Sending ends when the server has taken the mail, or throws.
 *
 * @param url `smtp://user:password@host:587`, or `smtps://` for TLS from the start
 * @param waitMs for a connection, a greeting, an answer
 */
export function openSmtpMailer(
  url: string,
  from: string,
  waitMs = timeoutMs,
): { send(message: Message): Promise<void> } {
  const transport = createTransport({
    url,
    connectionTimeout: waitMs,
    greetingTimeout: waitMs,
    socketTimeout: waitMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return {
    async send({ to, subject, text, html, messageId }) {
      await transport.sendMail({
        from,
        // As an object: what is in an address never becomes another header or recipient.
        to: { name: '', address: to },
        subject,
        text,
        ...(html ? { html } : {}),
        ...(messageId === undefined ? {} : { messageId }),
        // Nobody's holiday notice answers it (RFC 3834 §5).
        headers: { 'Auto-Submitted': 'auto-generated' },
      })
    },
  }
}
