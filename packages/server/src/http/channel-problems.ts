import { type ProblemKind, text } from './problem-kind.ts'

/** Of channels, of what is sent to them, and of mails. A part of `error-map.ts`. */
export const channelProblems = {
  channel_not_found: {
    status: 404,
    title: 'No such channel',
    detail: () => 'Check the id, and the key that you call with.',
  },
  delivery_not_found: {
    status: 404,
    title: 'No such delivery',
    detail: () => 'Check the id, and that of the channel; finished ones are kept for 90 days.',
  },
  channel_limit_reached: {
    status: 409,
    title: 'The organization has as many channels as it may',
    detail: ({ limit }) => `It has ${text(limit)}. Delete one that is not needed.`,
  },
  channel_disabled: {
    status: 409,
    title: 'The channel is disabled',
    detail: () => 'Nothing is sent to it. Enable it first (PATCH /v1/channels/{channel} with {"enabled": true}).',
  },
  channel_is_no_webhook: {
    status: 409,
    title: 'The channel is no webhook',
    detail: () => 'Mail is not signed by it, so there is no signing secret to rotate.',
  },
  delivery_not_dead: {
    status: 409,
    title: 'The delivery was not given up',
    detail: ({ state }) => `It is ${text(state)}. Only dead ones are sent again by hand.`,
  },
  webhook_url_not_allowed: {
    status: 422,
    title: 'The url may not be called from here',
    detail: ({ reason }) =>
      reason === 'wants_https'
        ? 'Only https is called, but for private addresses that KEYTURN_WEBHOOK_ALLOW_PRIVATE allows.'
        : 'Its address is not public. KEYTURN_WEBHOOK_ALLOW_PRIVATE can allow private ones; whoever runs this installation sets it.',
  },
  mail_not_found: {
    status: 404,
    title: 'No such mail',
    detail: () => 'Check the id, and the key that you call with.',
  },
  reminder_not_found: {
    status: 404,
    title: 'No such reminder',
    detail: () => 'Check the id; it may belong to another organization.',
  },
  mail_cannot_be_retried: {
    status: 409,
    title: 'The mail is not one that could be sent again',
    detail: ({ state }) => `It is ${text(state)}. Only what failed or was not delivered is tried again.`,
  },
} satisfies Record<string, ProblemKind>
