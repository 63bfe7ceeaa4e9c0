import type { Clock } from '../kernel/clock.ts'
import { DomainError } from '../kernel/errors.ts'
import type { Instant } from '../kernel/instant.ts'
import type { MasterKey } from '../kernel/master-key.ts'
import { countAttempt, forgiveAttempts, markDevice } from './attempts.ts'
import type { BetterAuth } from './better-auth.ts'
import type { Ground } from './call.ts'
import { withoutSession } from './cookie-names.ts'
import type { Mailer } from './mail.ts'
import { resetMail } from './mail.ts'
import { refusePassword } from './passwords.ts'
import { findPersonByEmail, type PersonRecord } from './person-store.ts'

/** What comes with a request that says who it is from, as better-auth reads it. */
export interface Device {
  readonly cookie: string | null
  readonly userAgent: string | null
  readonly address: string | null
  /** What it was marked with when somebody signed in with it. */
  readonly mark: string | null
}

/** Cookies to set, as whole `Set-Cookie` lines. */
export type Cookies = readonly string[]

/** Who holds a session, as it stands. */
export interface HeldSession {
  readonly sessionId: string
  readonly person: PersonRecord
  readonly organizationId: string | null
  readonly signedInAt: Instant
  readonly expiresAt: Instant
  /** By the database's clock, when it was looked up. */
  readonly now: Instant
}

export interface SignInOptions {
  readonly ground: Ground
  readonly clock: Clock
  readonly masterKey: MasterKey
  readonly publicUrl: string
  /** Null: none is set up. */
  readonly mailer: Mailer | null
  /** A mail that nobody waits for could not be sent. */
  readonly onMailFailure: (error: unknown) => void
}

/**
 * Sign-in by better-auth, as use cases. It is loaded when it is first needed: a node that only gives verdicts never needs it, and
 * the start does not wait for it.
 */
export class SignIn {
  readonly #options: SignInOptions
  #betterAuth: Promise<BetterAuth> | undefined
  /** Mails under way. */
  readonly #mails = new Set<Promise<void>>()

  constructor(options: SignInOptions) {
    this.#options = options
  }

  /** Loads it ahead of the first who signs in. */
  load(): Promise<BetterAuth> {
    const { mailer, publicUrl, onMailFailure, ...options } = this.#options
    // Nobody waits for it: how long the answer takes, and whether it is an error, would tell that there is such an account.
    const onPasswordReset = async (email: string, token: string) => {
      if (!mailer) return
      const mail = mailer.send(resetMail(email, `${publicUrl}/reset-password?token=${token}`)).catch(onMailFailure)
      this.#mails.add(mail)
      void mail.finally(() => this.#mails.delete(mail))
    }
    this.#betterAuth ??= import('./better-auth.ts').then((module) =>
      module.openBetterAuth({ ...options, publicUrl, onPasswordReset }),
    )
    return this.#betterAuth
  }

  /** Once the mails that are under way are sent, or have failed. */
  async settle(): Promise<void> {
    await Promise.all(this.#mails)
  }

  /** The session that a request carries; null: none that holds. */
  async findSession(device: Device): Promise<HeldSession | null> {
    if (device.cookie === null) return null
    const { ground } = this.#options
    const betterAuth = await this.load()
    const found = await betterAuth.api.getSession({ headers: headersOf(device), query: { disableRefresh: true } })
    if (!found || found.session.pending) return null
    const expiresAt = found.session.expiresAt.getTime()
    const now = await ground.now(ground.reader)
    if (expiresAt <= now) return null
    const { id, name, email, emailVerified, twoFactorEnabled } = found.user
    return {
      sessionId: found.session.id,
      person: { id, name, email, emailVerified, twoFactor: twoFactorEnabled === true },
      organizationId: found.session.organizationId ?? null,
      signedInAt: found.session.createdAt.getTime(),
      expiresAt,
      now,
    }
  }

  /**
   * A right password opens a session, or the way to the second factor. Whatever session the browser had ends: what somebody put
   * there before is never what is signed in.
   *
   * @throws DomainError sign_in_refused, the same whether there is such an account or not; too_many_attempts
   */
  async signIn(
    device: Device,
    email: string,
    password: string,
  ): Promise<{ cookies: Cookies; secondFactorRequired: boolean }> {
    const { ground, masterKey } = this.#options
    const right = await countAttempt(ground, masterKey, { email, address: device.address, device: device.mark })
    const betterAuth = await this.load()
    const { headers, response } = await refusedAs('sign_in_refused', () =>
      betterAuth.api.signInEmail({ body: { email, password }, headers: headersOf(device), returnHeaders: true }),
    )
    const secondFactorRequired = 'twoFactorRedirect' in response
    if (!secondFactorRequired) await right()
    await this.signOut(device)
    return { cookies: headers.getSetCookie(), secondFactorRequired }
  }

  /** @throws DomainError second_factor_refused */
  async passSecondFactor(
    device: Device,
    proof: { code?: string | undefined; recovery_code?: string | undefined },
  ): Promise<Cookies> {
    const betterAuth = await this.load()
    // With a session better-auth would check the code of that one's person, and open none.
    const request = {
      headers: headersOf({ ...device, cookie: withoutSession(this.#options.publicUrl, device.cookie ?? '') }),
      returnHeaders: true as const,
    }
    const { headers } = await refusedAs('second_factor_refused', async () =>
      proof.code === undefined
        ? betterAuth.api.verifyBackupCode({ body: { code: proof.recovery_code ?? '' }, ...request })
        : betterAuth.api.verifyTOTP({ body: { code: proof.code }, ...request }),
    )
    return headers.getSetCookie()
  }

  /** After a second factor, too: what was tried before it was right is forgotten. @returns the mark of the device from now on */
  async welcome(device: Device, person: PersonRecord): Promise<string> {
    const { ground, masterKey } = this.#options
    await forgiveAttempts(ground, masterKey, { email: person.email, device: device.mark })
    return markDevice(masterKey, person.email)
  }

  /** Ends the session. Where there is none that is a success, too. */
  async signOut(device: Device): Promise<Cookies> {
    const betterAuth = await this.load()
    const { headers } = await betterAuth.api.signOut({ headers: headersOf(device), returnHeaders: true })
    return headers.getSetCookie()
  }

  /** Opens the session of a portal link. The one that the browser had ends. */
  async openProductSession(
    device: Device,
    session: { personId: string; organizationId: string; seconds: number },
  ): Promise<Cookies> {
    const betterAuth = await this.load()
    const { headers } = await betterAuth.api.openProductSession({
      body: session,
      headers: headersOf(device),
      returnHeaders: true,
    })
    await this.signOut(device)
    return headers.getSetCookie()
  }

  /** For whoever gives themselves a password. @throws DomainError password_refused */
  async hashNewPassword(password: string, context: readonly string[]): Promise<string> {
    requireGoodPassword(password, context)
    const { password: passwords } = await (await this.load()).$context
    return passwords.hash(password)
  }

  /** The session goes on, under another name; all others end. @throws DomainError password_refused, sign_in_refused, too_many_attempts */
  async changePassword(device: Device, person: PersonRecord, current: string, wanted: string): Promise<Cookies> {
    requireGoodPassword(wanted, [person.name, person.email])
    const body = { currentPassword: current, newPassword: wanted, revokeOtherSessions: true }
    return this.#withPassword(device, person, async (betterAuth, headers) => {
      const answer = await betterAuth.api.changePassword({ body, headers, returnHeaders: true })
      return { cookies: answer.headers.getSetCookie() }
    }).then(({ cookies }) => cookies)
  }

  /**
   * Sends a link to whoever has this address. Nobody learns whether there is such an account; without mail nothing happens.
   */
  async requestPasswordReset(device: Device, email: string): Promise<void> {
    const { ground, masterKey, mailer } = this.#options
    await countAttempt(ground, masterKey, { email: `reset ${email}`, address: device.address, device: null })
    if (!mailer) return
    await (await this.load()).api.requestPasswordReset({ body: { email }, headers: headersOf(device) })
  }

  /** For an administrator to hand over where no mail is set up. @returns the token */
  async createPasswordReset(personId: string, token: string, expiresAt: Instant): Promise<void> {
    const { internalAdapter } = await (await this.load()).$context
    const identifier = `reset-password:${token}`
    await internalAdapter.createVerificationValue({ identifier, value: personId, expiresAt: new Date(expiresAt) })
  }

  /** Every session of the person ends. @throws DomainError password_refused, link_expired */
  async resetPassword(token: string, password: string): Promise<void> {
    requireGoodPassword(password, [])
    const betterAuth = await this.load()
    await refusedAs('link_expired', () => betterAuth.api.resetPassword({ body: { token, newPassword: password } }))
  }

  /** @throws DomainError two_factor_is_on, sign_in_refused, too_many_attempts */
  async beginTwoFactor(device: Device, person: PersonRecord, password: string) {
    if (person.twoFactor) throw new DomainError('two_factor_is_on')
    return this.#withPassword(device, person, async (betterAuth, headers) => {
      const begun = await betterAuth.api.enableTwoFactor({ body: { password, method: 'totp' }, headers })
      if (begun.method !== 'totp') throw new Error('a second factor was to be begun, but another kind came back')
      return { totp_uri: begun.totpURI, recovery_codes: begun.backupCodes }
    })
  }

  /** The first right code switches it on. @throws DomainError second_factor_refused, two_factor_is_on */
  async confirmTwoFactor(device: Device, person: PersonRecord, code: string): Promise<Cookies> {
    if (person.twoFactor) throw new DomainError('two_factor_is_on')
    const { ground, masterKey } = this.#options
    const right = await countAttempt(ground, masterKey, {
      email: `code ${person.id}`,
      address: device.address,
      device: null,
    })
    const betterAuth = await this.load()
    const { headers } = await refusedAs('second_factor_refused', () =>
      betterAuth.api.verifyTOTP({ body: { code }, headers: headersOf(device), returnHeaders: true }),
    )
    await right()
    return headers.getSetCookie()
  }

  /** @throws DomainError two_factor_is_off, sign_in_refused, too_many_attempts */
  async endTwoFactor(device: Device, person: PersonRecord, password: string): Promise<Cookies> {
    if (!person.twoFactor) throw new DomainError('two_factor_is_off')
    return this.#withPassword(device, person, async (betterAuth, headers) => {
      const answer = await betterAuth.api.disableTwoFactor({ body: { password }, headers, returnHeaders: true })
      return answer.headers.getSetCookie()
    })
  }

  /** New ones in place of the old, which work no more. @throws as endTwoFactor */
  async renewRecoveryCodes(device: Device, person: PersonRecord, password: string): Promise<readonly string[]> {
    if (!person.twoFactor) throw new DomainError('two_factor_is_off')
    return this.#withPassword(device, person, async (betterAuth, headers) => {
      const answer = await betterAuth.api.generateBackupCodes({ body: { password }, headers })
      return answer.backupCodes
    })
  }

  /** Whoever is signed in proves it again; a session that was left open is no way to guess the password. */
  async #withPassword<R>(
    device: Device,
    person: PersonRecord,
    work: (betterAuth: BetterAuth, headers: Headers) => Promise<R>,
  ): Promise<R> {
    const { ground, masterKey } = this.#options
    const attempt = { email: `within ${person.id}`, address: device.address, device: null }
    const right = await countAttempt(ground, masterKey, attempt)
    const betterAuth = await this.load()
    const result = await refusedAs('sign_in_refused', () => work(betterAuth, headersOf(device)))
    await right()
    return result
  }

  /** For what is said of a person who has just signed in. */
  async findByEmail(email: string): Promise<PersonRecord | null> {
    return (await findPersonByEmail(this.#options.ground.reader, email)) ?? null
  }
}

function requireGoodPassword(password: string, context: readonly string[]): void {
  const reason = refusePassword(password, context)
  if (reason !== null) throw new DomainError('password_refused', { reason })
}

function headersOf({ cookie, userAgent, address }: Device): Headers {
  const headers = new Headers()
  if (cookie !== null) headers.set('cookie', cookie)
  if (userAgent !== null) headers.set('user-agent', userAgent.slice(0, 300))
  if (address !== null) headers.set('x-keyturn-address', address)
  return headers
}

/** What better-auth refuses, in our words. What it did not foresee goes on as it is. */
async function refusedAs<R>(
  code: 'sign_in_refused' | 'second_factor_refused' | 'link_expired',
  work: () => Promise<R>,
): Promise<R> {
  try {
    return await work()
  } catch (error) {
    const status: unknown = error instanceof Error && error.name === 'APIError' ? Reflect.get(error, 'statusCode') : 0
    if (typeof status === 'number' && status >= 400 && status < 500) throw new DomainError(code, {}, { cause: error })
    throw error
  }
}
