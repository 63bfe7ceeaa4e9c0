import type { ErrorCode } from '@keyturn/contract'
import type { DomainError, ErrorFacts } from '../kernel/errors.ts'
import { channelProblems } from './channel-problems.ts'
import { importProblems } from './import-problems.ts'
import { peopleProblems } from './people-problems.ts'
import { policyProblems } from './policy-problems.ts'
import { type ProblemKind, text } from './problem-kind.ts'
import { tokenProblems } from './token-problems.ts'

/** Of a secret in an error. */
const ending = (until: unknown): string => (typeof until === 'string' ? ` and ends at ${until}` : '')

/** Operations that lead on from where something is in the way. */
const helps = ({ operations, until }: ErrorFacts): string =>
  `What helps: ${text(operations)}${typeof until === 'string' ? `, or waiting until ${until}` : ''}.`

/** The only place that knows both words and numbers, with the other `…-problems.ts` as parts of it. A forgotten code does not compile. */
const problems = {
  ...peopleProblems,
  ...importProblems,
  invalid_request: {
    status: 400,
    title: 'The request is not valid',
    detail: ({ errors }) =>
      Array.isArray(errors) && errors.length > 0
        ? errors
            .map(({ path, detail }: { path: string; detail: string }) => (path ? `${path}: ${detail}` : detail))
            .join('; ')
        : 'Check the request against /docs.',
  },
  invalid_json: {
    status: 400,
    title: 'The body is not valid JSON',
    detail: ({ reason }) => `${text(reason)} Send one JSON object in UTF-8.`,
  },
  invalid_cursor: {
    status: 400,
    title: 'The cursor is not valid',
    detail: () =>
      'Pass on `next_cursor` of the page before as it is, with the same sort, or leave it out to begin anew.',
  },
  body_too_large: {
    status: 413,
    title: 'The body is too large',
    detail: ({ limit }) => `A body may have at most ${text(limit)} bytes.`,
  },
  unsupported_media_type: {
    status: 415,
    title: 'The body is of a type that is not understood',
    detail: ({ wanted }) =>
      wanted === undefined
        ? 'Send JSON with `Content-Type: application/json`.'
        : `Send it with \`Content-Type: ${text(wanted)}\`.`,
  },
  route_not_found: { status: 404, title: 'No such endpoint', detail: () => 'Look at /docs for those there are.' },
  method_not_allowed: {
    status: 405,
    title: 'The endpoint does not have this method',
    detail: ({ allow }) => `Here one of these works: ${text(allow)}.`,
  },
  confirmation_required: {
    status: 422,
    title: 'Deleting wants to be confirmed',
    detail: () =>
      'A deleted key cannot be brought back. Send {"confirm": "DELETE"} or ?confirm=DELETE, or revoke the key instead.',
  },
  idempotency_key_reused: {
    status: 422,
    title: 'The Idempotency-Key was used for another request',
    detail: () => 'Take a new Idempotency-Key for each request; repeat one only with the very same body.',
  },
  unauthenticated: {
    status: 401,
    title: 'A management key is wanted',
    detail: () => 'Send it as `Authorization: Bearer <management key>`.',
  },
  invalid_token: {
    status: 401,
    title: 'The credential is not accepted',
    detail: ({ reason }) => text(reason ?? 'No key with this value is known here.'),
  },
  // Not 401: a calendar would ask its user for a password, which there is none.
  invalid_feed_token: {
    status: 403,
    title: 'The feed token is not accepted',
    detail: () => 'It was revoked, or was never one. Make another (POST /v1/organizations/{org}/feed-tokens).',
  },
  ambiguous_credentials: {
    status: 400,
    title: 'The Authorization header is not understood',
    detail: () => 'Send exactly one header `Authorization: Bearer <key>`.',
  },
  insufficient_scope: {
    status: 403,
    title: 'The management key may not do this',
    detail: ({ scope }) => `It lacks the scope ${text(scope)}. Use a key that has it.`,
  },
  root_key_required: {
    status: 403,
    title: 'Only the root key may do this',
    detail: () => 'Use the root key of the installation.',
  },
  publishable_key_refused: {
    status: 403,
    title: 'A publishable key proves nothing',
    detail: () => 'Everybody can read it. Use a secret key here.',
  },
  cannot_give_more_than_you_have: {
    status: 403,
    title: 'Nobody can give a key more than they have',
    detail: ({ scopes, projects }) =>
      `Beyond your own key: scopes [${text(scopes)}], projects [${text(projects)}]. Leave them out, or use a key that has them.`,
  },
  whole_organization_required: {
    status: 403,
    title: 'The management key reaches only some projects',
    detail: () => 'This concerns the whole organization. Use a key that is not bound to projects.',
  },
  organization_not_found: {
    status: 404,
    title: 'No such organization',
    detail: () => 'Check the id or slug, and the key that you call with.',
  },
  project_not_found: {
    status: 404,
    title: 'No such project',
    detail: () => 'Check the id or slug, and the key that you call with.',
  },
  key_not_found: { status: 404, title: 'No such key', detail: () => 'Check the id, and the key that you call with.' },
  propagation_not_found: {
    status: 404,
    title: 'No such change',
    detail: ({ sequence }) =>
      `No change has the sequence ${text(sequence)} yet. Take it from the answer to a revocation.`,
  },
  tracked_credential_not_found: {
    status: 404,
    title: 'No such tracked credential',
    detail: () => 'Check the id, and the key that you call with.',
  },
  ...channelProblems,
  ...tokenProblems,
  fingerprint_taken: {
    status: 409,
    title: 'Another entry has this fingerprint',
    detail: () => 'It is the same value: look at the entry that has it, or had it, rather than keep it twice.',
  },
  feed_token_not_found: {
    status: 404,
    title: 'No such feed token',
    detail: () => 'Check the id, and the key that you call with.',
  },
  claim_link_not_found: {
    status: 404,
    title: 'No such claim link',
    detail: () => 'Check the id, that of the key, and the key that you call with.',
  },
  slug_taken: {
    status: 409,
    title: 'The slug is taken',
    detail: ({ slug }) => `Choose another \`slug\` than ${text(slug)}.`,
  },
  slug_is_ambiguous: {
    status: 409,
    title: 'Several organizations have a project with this slug',
    detail: ({ slug }) => `The root key reaches all of them: use the id of the project instead of ${text(slug)}.`,
  },
  external_id_taken: {
    status: 409,
    title: 'The external_id is taken',
    detail: ({ external_id }) => `Another record here has the external_id ${text(external_id)}.`,
  },
  active_key_limit_reached: {
    status: 409,
    title: 'The project has as many active keys as it may',
    detail: ({ active, limit, adding }) =>
      `${text(active)} of ${text(limit)} keys are active${typeof adding === 'number' ? `, and ${adding} would be added` : ''}. Revoke one that is not needed, or raise max_active_keys in the policy.`,
  },
  key_revoked: { status: 409, title: 'The key is revoked', detail: () => 'Revoked is for ever. Create another key.' },
  key_changed: {
    status: 409,
    title: 'Somebody else changed the key at the same moment',
    detail: ({ last_action, at, operations }) =>
      at === undefined
        ? 'Read it again and decide anew.'
        : `The last that happened to it is ${text(last_action)}, at ${text(at)}. Read it again and decide anew; now it can take: ${text(operations)}.`,
  },
  key_disabled: {
    status: 409,
    title: 'The key is disabled',
    detail: () => 'A new secret of it would be refused, too. Enable the key first (POST /v1/keys/{key}/enable).',
  },
  key_cannot_be_claimed: {
    status: 409,
    title: 'This key cannot be handed over by a claim link',
    detail: ({ management }) =>
      management === true
        ? 'It is a management key, which opens Keyturn itself. Rotate it, and hand the value over in another way.'
        : 'Its value is publishable: everybody may see it. Read it from the key, and send that.',
  },
  claim_link_ended: {
    status: 409,
    title: 'The claim link cannot be used any more',
    detail: ({ claimed_at, withdrawn_at, expires_at }) =>
      typeof claimed_at === 'string'
        ? `It was used at ${claimed_at}, and a secret was made. To take that back, cancel it or revoke it.`
        : typeof withdrawn_at === 'string'
          ? `It was withdrawn at ${withdrawn_at}. Make another.`
          : `Its time was over at ${text(expires_at)}. Make another.`,
  },
  no_live_secret: {
    status: 409,
    title: 'There is no live secret',
    detail: ({ slot, ...facts }) => `The ${text(slot)} secret has ended or was never made. ${helps(facts)}`,
  },
  last_live_secret: {
    status: 409,
    title: 'It is the only live secret of the key',
    detail: ({ secret, until, legacy }) =>
      `${text(secret)} is all that the key has${ending(until)}. Rotate the key to replace it${legacy ? '' : ', or revoke the whole key: leave `slot` out'}.`,
  },
  secondary_staged: {
    status: 409,
    title: 'A secret is staged',
    detail: ({ secret, ...facts }) => `${text(secret)} waits to become the primary. ${helps(facts)}`,
  },
  rotation_in_progress: {
    status: 409,
    title: 'A rotation is in progress',
    detail: ({ secret, ...facts }) => `${text(secret)} is retiring. ${helps(facts)}`,
  },
  no_rotation_in_progress: {
    status: 409,
    title: 'The key has one secret',
    detail: (facts) => `There is nothing to finish or cancel. ${helps(facts)}`,
  },
  nothing_staged: {
    status: 409,
    title: 'No secret is staged',
    detail: (facts) => `There is nothing to promote. To stage one is POST /v1/keys/{key}/secrets. ${helps(facts)}`,
  },
  secret_in_use: {
    status: 409,
    title: 'The secret is still called with',
    detail: ({ secret, last_used_at, ...facts }) =>
      `${text(secret)} was called at ${text(last_used_at)}; whoever uses it would be refused. Move them first. ${helps(facts)}`,
  },
  would_shorten: {
    status: 409,
    title: 'That would be earlier than it is now',
    detail: ({ expires_at, operations }) =>
      `It ends at ${text(expires_at ?? 'no time at all: it never expires')}. To end it sooner: ${text(operations)}.`,
  },
  legacy_key_never_expires: {
    status: 409,
    title: 'A legacy key never expires',
    detail: () => 'There is nothing to extend, only to rotate; leave expires_at and expires_in out.',
  },
  legacy_key_cannot_be_disabled: {
    status: 409,
    title: 'Legacy keys cannot be disabled',
    detail: () => 'Rotate it instead; or switch API access of the whole project off.',
  },
  legacy_key_cannot_be_revoked: {
    status: 409,
    title: 'Legacy keys cannot be revoked',
    detail: () => 'Rotate it instead; or switch API access of the whole project off.',
  },
  legacy_key_cannot_be_deleted: {
    status: 409,
    title: 'Legacy keys cannot be deleted',
    detail: () => 'Rotate it instead; or switch API access of the whole project off.',
  },
  management_key_required: {
    status: 401,
    title: 'This key is not a management key',
    detail: () => 'It belongs to a product. Keyturn itself wants a management key, or the root key.',
  },
  expires_in_the_past: {
    status: 422,
    title: 'The expiry is in the past',
    detail: ({ now }) => `It is ${text(now)} by the database's clock. Give a later time.`,
  },
  renew_by_out_of_range: {
    status: 422,
    title: 'The time to renew by is out of range',
    detail: ({ earliest, latest }) => `It must be after ${text(earliest)} and not after ${text(latest)}.`,
  },
  max_lifetime_exceeded: {
    status: 422,
    title: 'The policy allows no such long life',
    detail: ({ latest }) =>
      `The latest possible expiry is ${text(latest)}. Choose an earlier one, or raise max_lifetime in the policy.`,
  },
  never_expires_not_allowed: {
    status: 422,
    title: 'The policy wants every key to expire',
    detail: () => 'Give expires_at or expires_in, or set allow_never_expires in the policy.',
  },
  overlap_too_long: {
    status: 422,
    title: 'The policy allows no such long overlap',
    detail: ({ max_overlap, latest }) =>
      `It may be ${text(max_overlap)} seconds${typeof latest === 'string' ? `, until ${latest}` : ''}. Choose a shorter one, or raise max_overlap in the policy.`,
  },
  ends_before_overlap: {
    status: 422,
    title: 'The new secret would end before the old one',
    detail: ({ expires_at, overlap_end }) =>
      `It would end at ${text(expires_at)}, the overlap at ${text(overlap_end)}. Choose a later expiry or a shorter overlap.`,
  },
  ...policyProblems,
  database_unavailable: {
    status: 503,
    title: 'The database cannot be asked right now',
    detail: () =>
      'Nothing is known to have changed. Try again in a moment, with the same Idempotency-Key where you change something.',
  },
  internal_error: {
    status: 500,
    title: 'Something went wrong here',
    detail: () => 'It is logged under the request_id. Try again; if it stays, tell whoever runs this installation.',
  },
} satisfies Record<ErrorCode, ProblemKind>

export interface ProblemBody extends Record<string, unknown> {
  readonly type: string
  readonly title: string
  readonly status: ProblemKind['status']
  readonly detail: string
  readonly code: ErrorCode
  readonly request_id: string
}

/** The sentence alone, where it is part of another problem. */
export const detailOf = (error: DomainError): string => problems[error.code].detail(error.facts)

export function toProblem(error: DomainError, requestId: string): ProblemBody {
  const kind: ProblemKind = problems[error.code]
  const own = {
    type: `/docs/errors#${error.code}`,
    title: kind.title,
    status: kind.status,
    detail: kind.detail(error.facts),
    code: error.code,
    request_id: requestId,
  }
  // Its own members first, for whoever reads it, and last, so that no fact of the same name takes their place.
  return { ...own, ...error.facts, ...own }
}

/**
 * What a bearer's holder is told in the header (RFC 6750 §3): no code where no credential came, `invalid_request` for one that is
 * not understood, `invalid_token`, and `insufficient_scope` with the scope that is wanted.
 */
export function bearerChallenge(error: DomainError): string | undefined {
  const quoted = (value: string) => `"${value.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, ' ')}"`
  const challenge = (code: string, more = '') =>
    `Bearer realm="keyturn", error="${code}", error_description=${quoted(problems[error.code].title)}${more}`
  if (error.code === 'unauthenticated') return 'Bearer realm="keyturn"'
  if (error.code === 'ambiguous_credentials') return challenge('invalid_request')
  if (error.code === 'invalid_token' || error.code === 'management_key_required') return challenge('invalid_token')
  if (error.code === 'insufficient_scope')
    return challenge('insufficient_scope', `, scope=${quoted(text(error.facts.scope))}`)
  return undefined
}
