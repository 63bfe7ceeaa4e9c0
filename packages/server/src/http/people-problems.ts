import type { ErrorCode } from '@keyturn/contract'
import { either, type ProblemKind, text } from './problem-kind.ts'

/** Of `error-map.ts`: what is about people, how they sign in, and what their roles allow. */
export const peopleProblems = {
  role_required: {
    status: 403,
    title: 'Your role does not allow this',
    detail: ({ roles, administrators }) =>
      `It wants the role ${either(roles)}. ${Array.isArray(administrators) && administrators.length > 0 ? `Ask one of the administrators: ${administrators.map(({ name, email }: { name: string; email: string }) => `${name} <${email}>`).join(', ')}.` : 'Use a management key, or the root key.'}`,
  },
  recent_sign_in_required: {
    status: 403,
    title: 'This wants a recent sign-in',
    detail: ({ minutes }) => `Sign in again, and repeat it within ${text(minutes)} minutes.`,
  },
  session_required: {
    status: 403,
    title: 'This is for people',
    detail: () => 'Sign in at /v1/sign-in; a key has no sessions, password or second factor.',
  },
  for_keys_only: {
    status: 403,
    title: 'This is for programs',
    detail: () => 'No role of a person allows it. Use a management key.',
  },
  cross_site_request: {
    status: 403,
    title: 'The request comes from another site',
    detail: () =>
      'A session changes things only from pages of this installation. For programs there are management keys.',
  },
  sign_in_refused: {
    status: 403,
    title: 'The e-mail address or the password is wrong',
    detail: () => 'Check both, or have the password reset.',
  },
  second_factor_refused: {
    status: 403,
    title: 'The code is wrong, or came too late',
    detail: () =>
      'Take the newest code of the authenticator or an unused recovery code; after a few tries, sign in anew.',
  },
  too_many_attempts: {
    status: 429,
    title: 'Too many attempts',
    detail: ({ retry_after }) =>
      `Try again in ${text(retry_after)} seconds, from a device that you have signed in with before, or have the password reset.`,
  },
  link_expired: {
    status: 410,
    title: 'The link works no more',
    detail: () => 'It was used, withdrawn, or its time is over. Ask for another one.',
  },
  member_not_found: {
    status: 404,
    title: 'No such member',
    detail: () => 'Check the id; list the members of the organization.',
  },
  invitation_not_found: {
    status: 404,
    title: 'No such open invitation',
    detail: () => 'Check the id; it may have been accepted or withdrawn.',
  },
  session_not_found: { status: 404, title: 'No such session', detail: () => 'Check the id; it may have ended.' },
  last_owner: {
    status: 409,
    title: 'An organization keeps at least one owner',
    detail: () => 'Make somebody else an owner first.',
  },
  member_owns_keys: {
    status: 409,
    title: 'The member owns keys',
    detail: ({ owned }) =>
      `${text(owned)} keys would be left without anybody who looks after them. Name a member in hand_over_to, or send {"force": true}.`,
  },
  leaves_keys_behind: {
    status: 409,
    title: 'You own keys here',
    detail: ({ owned }) =>
      `${text(owned)} keys would be left without anybody who looks after them. Give each another owner, or ask an administrator to remove you and name one.`,
  },
  leaves_too_much: {
    status: 409,
    title: 'The member leaves more keys than one call can see to',
    detail: ({ keys, limit }) =>
      `${text(keys)} keys, at most ${text(limit)}. Hand keys over and rotate them in smaller parts first.`,
  },
  already_a_member: {
    status: 409,
    title: 'They are a member already',
    detail: () => 'Change their role instead.',
  },
  sign_in_to_accept: {
    status: 409,
    title: 'There is an account with this address',
    detail: () => 'Sign in with it first, then open the invitation again.',
  },
  belongs_elsewhere: {
    status: 409,
    title: 'They belong to another organization too',
    detail: () => 'A new password would open that one as well. Let them reset it by mail, or use the root key.',
  },
  has_no_password: {
    status: 409,
    title: 'They sign in through a product, and have no password',
    detail: () => 'Invite them, if they are to have one.',
  },
  two_factor_is_on: {
    status: 409,
    title: 'The second factor is on already',
    detail: () => 'Switch it off first to begin with another authenticator.',
  },
  two_factor_is_off: {
    status: 409,
    title: 'The second factor is not on',
    detail: () => 'Begin with POST /v1/me/two-factor.',
  },
  password_refused: {
    status: 422,
    title: 'The password is too easy to guess',
    detail: ({ reason }) => text(reason ?? 'Take a longer one: several words that nobody would guess.'),
  },
} satisfies Partial<Record<ErrorCode, ProblemKind>>
