import type * as contract from '@keyturn/contract'

/** What a schema gives, and what it takes: the second leaves out what has a default. */
type Out<S extends { readonly _zod: { readonly output: unknown } }> = S['_zod']['output']
type In<S extends { readonly _zod: { readonly input: unknown } }> = S['_zod']['input']

export interface Page<T> {
  readonly data: readonly T[]
  /** Null on the last one. */
  readonly next_cursor: string | null
}
type PageQuery = In<typeof contract.pageQuery>
type ListQuery = In<typeof contract.listQuery>
type KeyListQuery = In<typeof contract.keyListQuery>
type ChangedKey = Out<typeof contract.keyAnswer>
/** The key, and the secret with its value: shown this once. */
export type IssuedKey = Out<typeof contract.keyCreated>
type Nothing = Record<string, never>

/**
 * Every endpoint of the API that answers in JSON, by its method and path: what it takes and what it gives. `body` that may be left out is
 * optional. A test holds the list against the server's own description.
 */
export interface Endpoints {
  'POST /v1/sign-in': { body: In<typeof contract.signInRequest>; answer: Out<typeof contract.signInAnswer> }
  'POST /v1/sign-in/second-factor': {
    body: In<typeof contract.secondFactorRequest>
    answer: Out<typeof contract.signInAnswer>
  }
  'POST /v1/set-up': { body: In<typeof contract.setUpRequest>; answer: Out<typeof contract.signInAnswer> }
  'POST /v1/invitations/accept': {
    body: In<typeof contract.invitationAcceptance>
    answer: Out<typeof contract.signInAnswer>
  }
  'POST /v1/password-resets': { body: In<typeof contract.passwordResetRequest>; answer: undefined }
  'POST /v1/password-resets/complete': { body: In<typeof contract.passwordResetCompletion>; answer: undefined }
  'POST /v1/sign-out': { body?: Nothing; answer: undefined }

  'GET /v1/me': { answer: Out<typeof contract.meSchema> }
  'PATCH /v1/me': { body: In<typeof contract.meEdit>; answer: undefined }
  'GET /v1/me/sessions': { answer: Out<typeof contract.sessionList> }
  'DELETE /v1/me/sessions/{session}': { answer: undefined }
  'DELETE /v1/me/memberships/{org}': { answer: undefined }
  'POST /v1/me/password': { body: In<typeof contract.passwordChange>; answer: undefined }
  'POST /v1/me/two-factor': { body: In<typeof contract.passwordProof>; answer: Out<typeof contract.twoFactorBegun> }
  'POST /v1/me/two-factor/confirm': { body: In<typeof contract.twoFactorConfirmation>; answer: undefined }
  'POST /v1/me/two-factor/disable': { body: In<typeof contract.passwordProof>; answer: undefined }
  'POST /v1/me/recovery-codes': { body: In<typeof contract.passwordProof>; answer: Out<typeof contract.recoveryCodes> }

  'POST /v1/organizations': { body: In<typeof contract.organizationCreate>; answer: contract.Organization }
  'GET /v1/organizations': { query?: ListQuery; answer: Page<contract.Organization> }
  'GET /v1/organizations/{org}': { answer: contract.Organization }
  'PATCH /v1/organizations/{org}': { body: In<typeof contract.organizationEdit>; answer: contract.Organization }
  'POST /v1/organizations/{org}/policy/dry-run': {
    query?: PageQuery
    body: In<typeof contract.organizationDryRun>
    answer: contract.DryRun
  }
  'POST /v1/organizations/{org}/projects': { body: In<typeof contract.projectCreate>; answer: contract.Project }
  'GET /v1/organizations/{org}/projects': { query?: ListQuery; answer: Page<contract.Project> }
  'GET /v1/projects/{project}': { answer: contract.Project }
  'PATCH /v1/projects/{project}': { body: In<typeof contract.projectEdit>; answer: contract.Project }
  'POST /v1/projects/{project}/renewals': { body: In<typeof contract.renewalRequest>; answer: contract.Project }
  'POST /v1/projects/{project}/policy/dry-run': {
    query?: PageQuery
    body: In<typeof contract.projectDryRun>
    answer: contract.DryRun
  }

  'POST /v1/projects/{project}/keys': { body: In<typeof contract.keyCreate>; answer: IssuedKey }
  'GET /v1/projects/{project}/keys': { query?: KeyListQuery; answer: Out<typeof contract.keyPage> }
  'GET /v1/organizations/{org}/keys': { query?: KeyListQuery; answer: Out<typeof contract.keyPage> }
  'POST /v1/organizations/{org}/import': {
    body: In<typeof contract.keyImport>
    answer: Out<typeof contract.importAnswer>
  }
  'POST /v1/organizations/{org}/import.csv': {
    query?: { project?: string }
    /** A CSV, as it is. */
    body: string
    answer: Out<typeof contract.importAnswer>
  }
  'GET /v1/organizations/{org}/management-keys': { query?: KeyListQuery; answer: Out<typeof contract.keyPage> }
  'POST /v1/organizations/{org}/management-keys': {
    body: In<typeof contract.managementKeyCreate>
    answer: IssuedKey
  }
  'GET /v1/keys/{key}': { answer: contract.Key }
  'PATCH /v1/keys/{key}': { body: In<typeof contract.keyEdit>; answer: contract.Key }
  'DELETE /v1/keys/{key}': { body?: In<typeof contract.keyDelete>; query?: { confirm?: string }; answer: undefined }
  'POST /v1/keys/{key}/extend': { body: In<typeof contract.keyExtend>; answer: ChangedKey }
  'POST /v1/keys/{key}/rotate': { body?: In<typeof contract.keyRotate>; answer: IssuedKey }
  'POST /v1/keys/{key}/secrets': { body?: In<typeof contract.secretStage>; answer: IssuedKey }
  'POST /v1/keys/{key}/promote': { body?: In<typeof contract.keyPromote>; answer: ChangedKey }
  'POST /v1/keys/{key}/finish': { body?: In<typeof contract.keyFinish>; answer: ChangedKey }
  'POST /v1/keys/{key}/cancel': { body?: In<typeof contract.keyCancel>; answer: ChangedKey }
  'POST /v1/keys/{key}/disable': { body?: Nothing; answer: ChangedKey }
  'POST /v1/keys/{key}/enable': { body?: Nothing; answer: ChangedKey }
  'POST /v1/keys/{key}/review': { body?: Nothing; answer: ChangedKey }
  'POST /v1/keys/{key}/revoke': { body?: In<typeof contract.keyRevoke>; answer: Out<typeof contract.keyRevoked> }
  'GET /v1/keys/{key}/rotation': { answer: contract.CutOver }
  'GET /v1/keys/{key}/usage': { query?: In<typeof contract.usageQuery>; answer: Out<typeof contract.usageAnswer> }
  'POST /v1/keys/{key}/claim-links': {
    body?: In<typeof contract.claimLinkCreate>
    answer: contract.ClaimLinkCreated
  }
  'GET /v1/keys/{key}/claim-links': { query?: PageQuery; answer: Page<contract.ClaimLink> }
  'DELETE /v1/keys/{key}/claim-links/{claim_link}': { answer: undefined }
  'GET /v1/keys/self': { answer: Out<typeof contract.ownKeySchema> }
  'GET /v1/keys/self/renewal-info': { answer: contract.RenewalInfo }
  'POST /v1/keys/self/rotate': { body?: Nothing; answer: IssuedKey }
  'POST /v1/verify': { body: In<typeof contract.verifyRequest>; answer: contract.Verdict }

  'GET /v1/organizations/{org}/expirations': {
    query?: In<typeof contract.expirationQuery>
    answer: Page<contract.Expiration>
  }
  'GET /v1/organizations/{org}/expirations/forecast': {
    query?: In<typeof contract.forecastQuery>
    answer: contract.ExpirationForecast
  }
  'GET /v1/organizations/{org}/findings': { query?: In<typeof contract.findingQuery>; answer: Page<contract.Finding> }
  'POST /v1/organizations/{org}/feed-tokens': {
    body: In<typeof contract.feedTokenCreate>
    answer: Out<typeof contract.feedTokenCreated>
  }
  'GET /v1/organizations/{org}/feed-tokens': { query?: PageQuery; answer: Page<contract.FeedToken> }
  'DELETE /v1/organizations/{org}/feed-tokens/{feed_token}': { answer: undefined }
  'POST /v1/organizations/{org}/tracked-credentials': {
    body: In<typeof contract.trackedCredentialCreate>
    answer: contract.TrackedCredential
  }
  'GET /v1/organizations/{org}/tracked-credentials': {
    query?: In<typeof contract.trackedCredentialQuery>
    answer: Page<contract.TrackedCredential>
  }
  'GET /v1/organizations/{org}/tracked-credentials/{tracked_credential}': {
    answer: contract.TrackedCredentialWithHistory
  }
  'PATCH /v1/organizations/{org}/tracked-credentials/{tracked_credential}': {
    body: In<typeof contract.trackedCredentialEdit>
    answer: contract.TrackedCredentialWithHistory
  }
  'DELETE /v1/organizations/{org}/tracked-credentials/{tracked_credential}': { answer: undefined }
  'POST /v1/organizations/{org}/tracked-credentials/{tracked_credential}/renew': {
    body: In<typeof contract.trackedCredentialRenew>
    answer: contract.TrackedCredentialWithHistory
  }

  'GET /v1/organizations/{org}/reminders': {
    query?: In<typeof contract.reminderQuery>
    answer: Page<contract.Reminder>
  }
  'POST /v1/reminders/{reminder}/acknowledge': { body?: Nothing; answer: contract.Reminder }
  'GET /v1/keys/{key}/reminders/preview': { answer: contract.ReminderPreview }
  'GET /v1/organizations/{org}/outbox': {
    query?: In<typeof contract.mailQuery>
    answer: Out<typeof contract.mailPage>
  }
  'GET /v1/organizations/{org}/outbox/{mail}': { answer: contract.MailWithText }
  'POST /v1/organizations/{org}/outbox/{mail}/retry': { body?: Nothing; answer: contract.Mail }
  'GET /v1/organizations/{org}/channels': { query?: In<typeof contract.channelQuery>; answer: Page<contract.Channel> }
  'POST /v1/organizations/{org}/channels': {
    body: In<typeof contract.channelCreate>
    answer: Out<typeof contract.channelCreated>
  }
  'GET /v1/channels/{channel}': { answer: contract.Channel }
  'PATCH /v1/channels/{channel}': { body: In<typeof contract.channelEdit>; answer: contract.Channel }
  'DELETE /v1/channels/{channel}': { answer: undefined }
  'POST /v1/channels/{channel}/rotate-secret': {
    body?: In<typeof contract.secretRotate>
    answer: Out<typeof contract.channelCreated>
  }
  'POST /v1/channels/{channel}/test': { body?: Nothing; answer: Out<typeof contract.channelTested> }
  'GET /v1/channels/{channel}/deliveries': {
    query?: In<typeof contract.deliveryQuery>
    answer: Page<contract.Delivery>
  }
  'POST /v1/channels/{channel}/deliveries/{delivery}/retry': { body?: Nothing; answer: contract.Delivery }

  'GET /v1/organizations/{org}/audit-events': {
    query?: In<typeof contract.auditQuery>
    answer: Page<contract.AuditEvent>
  }
  'GET /v1/organizations/{org}/audit-events/verification': { answer: contract.AuditVerification }
  'GET /v1/audit-events': { query?: In<typeof contract.auditQuery>; answer: Page<contract.AuditEvent> }
  'GET /v1/audit-events/verification': { answer: contract.AuditVerification }

  'GET /v1/organizations/{org}/members': { query?: PageQuery; answer: Page<contract.Member> }
  'GET /v1/organizations/{org}/members/{member}': { answer: contract.Member }
  'PATCH /v1/organizations/{org}/members/{member}': { body: In<typeof contract.memberEdit>; answer: contract.Member }
  'GET /v1/organizations/{org}/members/{member}/leaving': { answer: contract.Leaving }
  'POST /v1/organizations/{org}/members/{member}/remove': {
    body?: In<typeof contract.memberRemoval>
    answer: Out<typeof contract.removalReport>
  }
  'POST /v1/organizations/{org}/members/{member}/password-reset': { body?: Nothing; answer: contract.PasswordResetLink }
  'GET /v1/organizations/{org}/invitations': {
    query?: PageQuery
    answer: Page<Out<typeof contract.invitationSchema>>
  }
  'POST /v1/organizations/{org}/invitations': {
    body: In<typeof contract.invitationCreate>
    answer: Out<typeof contract.invitationCreated>
  }
  'DELETE /v1/organizations/{org}/invitations/{invitation}': { answer: undefined }
  'POST /v1/organizations/{org}/portal-sessions': {
    body: In<typeof contract.portalSessionCreate>
    answer: Out<typeof contract.portalSession>
  }

  'GET /v1/signing-keys': { answer: Out<typeof contract.signingKeyList> }
  'POST /v1/signing-keys/rotate': {
    body?: In<typeof contract.signingKeyRotate>
    answer: Out<typeof contract.signingKeyAnswer>
  }
  'GET /v1/nodes': { answer: Out<typeof contract.nodeList> }
  'GET /v1/propagations/{sequence}': { answer: contract.Propagation }
}

export type Route = keyof Endpoints

/** The names in braces. */
export type ParametersOf<R extends string> = R extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParametersOf<Rest>
  : never

export type AnswerOf<R extends Route> = Endpoints[R]['answer']
type Member<E, Name extends string> = Name extends keyof E ? E[Name] : never
export type BodyOf<R extends Route> = Member<Endpoints[R], 'body'>
export type QueryOf<R extends Route> = Member<Endpoints[R], 'query'>
