import type { NewMail } from './mail.ts'

/** The test of an e-mail channel. Nothing that anybody has written is in it. */
export const testMail = (recipient: string): NewMail => ({
  recipient,
  subject: 'A test: this mailbox is told about keys',
  text: [
    'This is the test of an e-mail channel of Keyturn, which looks after API keys.',
    'Every reminder of the organization comes to this mailbox: what ends soon, what has ended, and what is still called after its end.',
    'There is nothing to do. Whoever did not expect this mail may leave it unanswered.',
    '',
  ].join('\n\n'),
  html: null,
  messageId: null,
  about: 'test',
})
