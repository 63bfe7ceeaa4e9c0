import { z } from 'zod'

/** Every code an error answer can carry. A new one needs a row in docs/failure-modes.md (checked). */
export const errorCodes = [
  // The request itself
  'invalid_request',
  'invalid_json',
  'invalid_cursor',
  'body_too_large',
  'unsupported_media_type',
  'route_not_found',
  'method_not_allowed',
  'confirmation_required',
  'idempotency_key_reused',
  // Who calls
  'unauthenticated',
  'invalid_token',
  'invalid_feed_token',
  'ambiguous_credentials',
  'insufficient_scope',
  'root_key_required',
  'publishable_key_refused',
  'cannot_give_more_than_you_have',
  'whole_organization_required',
  'role_required',
  'recent_sign_in_required',
  'session_required',
  'for_keys_only',
  'cross_site_request',
  'sign_in_refused',
  'second_factor_refused',
  'too_many_attempts',
  'link_expired',
  // What is not there, as far as the caller may know
  'organization_not_found',
  'project_not_found',
  'key_not_found',
  'propagation_not_found',
  'member_not_found',
  'invitation_not_found',
  'session_not_found',
  'claim_link_not_found',
  'feed_token_not_found',
  'tracked_credential_not_found',
  'channel_not_found',
  'delivery_not_found',
  'mail_not_found',
  'reminder_not_found',
  'status_list_not_found',
  // What stands in the way
  'organization_exists',
  'slug_taken',
  'slug_is_ambiguous',
  'external_id_taken',
  'fingerprint_taken',
  'active_key_limit_reached',
  'channel_limit_reached',
  'channel_disabled',
  'channel_is_no_webhook',
  'delivery_not_dead',
  'key_revoked',
  'key_changed',
  'key_disabled',
  'key_cannot_be_claimed',
  'claim_link_ended',
  'no_live_secret',
  'last_live_secret',
  'secondary_staged',
  'rotation_in_progress',
  'no_rotation_in_progress',
  'nothing_staged',
  'secret_in_use',
  'would_shorten',
  'jwt_expiry_is_in_the_token',
  'legacy_key_never_expires',
  'legacy_key_cannot_be_disabled',
  'legacy_key_cannot_be_revoked',
  'legacy_key_cannot_be_deleted',
  'management_key_required',
  'last_owner',
  'member_owns_keys',
  'leaves_keys_behind',
  'leaves_too_much',
  'already_a_member',
  'sign_in_to_accept',
  'belongs_elsewhere',
  'mail_cannot_be_retried',
  'has_no_password',
  'two_factor_is_on',
  'two_factor_is_off',
  // What the rules forbid
  'expires_in_the_past',
  'renew_by_out_of_range',
  'max_lifetime_exceeded',
  'never_expires_not_allowed',
  'overlap_too_long',
  'ends_before_overlap',
  'name_does_not_match_policy',
  'name_is_vague',
  'import_refused',
  'jwt_must_expire',
  'jwt_too_long',
  'policy_is_inconsistent',
  'policy_looser_than_organization',
  'password_refused',
  'webhook_url_not_allowed',
  // What went wrong here
  'database_unavailable',
  'internal_error',
] as const

export type ErrorCode = (typeof errorCodes)[number]

/** What leads on where an operation on secrets is refused. `force` is no operation: it is a field of the same request. */
export const helpfulOperations = [
  'rotate',
  'stage',
  'promote',
  'finish',
  'cancel',
  'revoke',
  'create',
  'enable',
  'force',
] as const
export type HelpfulOperation = (typeof helpfulOperations)[number]

/** An error answer, `application/problem+json` (RFC 9457). Further members depend on the code. */
export const problemSchema = z
  .looseObject({
    type: z.string().describe('A URI reference that names the kind of problem; it ends in the code.'),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().describe('What happened and what to do about it.'),
    code: z.enum(errorCodes),
    request_id: z.string(),
    errors: z
      .array(z.object({ path: z.string(), detail: z.string() }))
      .optional()
      .describe('With `invalid_request`: every field that was refused, and why.'),
    rows: z
      .array(z.object({ line: z.number().int(), field: z.string().nullable(), detail: z.string() }))
      .optional()
      .describe('With `import_refused`: everything that stands against a row.'),
    operations: z
      .array(z.enum(helpfulOperations))
      .optional()
      .describe('Where a key stands in the way of what was asked for: the operations on it that would help.'),
    until: z
      .string()
      .nullable()
      .optional()
      .describe('With `operations`: until when it stands in the way by itself; null: until somebody does something.'),
  })
  .meta({ id: 'Problem' })

export type Problem = z.infer<typeof problemSchema>
