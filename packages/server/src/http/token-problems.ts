import { type ProblemKind, text } from './problem-kind.ts'

/** Of JWT keys and what those read who verify them offline. A part of `error-map.ts`. */
export const tokenProblems = {
  jwt_must_expire: {
    status: 422,
    title: 'A JWT key always expires',
    detail: () =>
      'Whoever verifies a token offline goes by the end in it. Give expires_at or expires_in, or leave both out for default_lifetime of the policy.',
  },
  jwt_too_long: {
    status: 422,
    title: 'The token would be too long',
    detail: ({ length, limit }) =>
      `With these scopes it has ${text(length)} characters, and may have ${text(limit)}. Give the key fewer or shorter scopes.`,
  },
  jwt_expiry_is_in_the_token: {
    status: 409,
    title: 'The expiry is in the token',
    detail: ({ expires_at, operations }) =>
      `A token ends at ${text(expires_at)}, whatever the record says. For a later end it takes another token: ${text(operations)}.`,
  },
  status_list_not_found: {
    status: 404,
    title: 'No such status list',
    detail: () => 'Take the address from the claim status.status_list.uri of a token.',
  },
} satisfies Record<string, ProblemKind>
