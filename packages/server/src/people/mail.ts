/** A mail in plain text. */
export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
}

/** Sends mail, or throws. Nothing waits for the mailbox: what it accepted is on its way. */
export interface Mailer {
  send(mail: Mail): Promise<void>
}

const sent =
  'This mail was sent by Keyturn, which looks after API keys. Whoever did not expect it may leave it unanswered.'

export const resetMail = (to: string, url: string): Mail => ({
  to,
  subject: 'A new password for Keyturn',
  text: `Somebody, most likely you, wants a new password for ${to}.\n\nSet one within an hour, here:\n${url}\n\n${sent}\n`,
})

export const invitationMail = (to: string, organization: string, by: string, url: string): Mail => ({
  to,
  subject: `${by} invites you to ${organization}`,
  text: `${by} invites you to look after API keys of ${organization}.\n\nAccept within seven days, here:\n${url}\n\n${sent}\n`,
})
