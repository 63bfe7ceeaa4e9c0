import { betterAuth } from 'better-auth'
import { APIError, createAuthEndpoint } from 'better-auth/api'
import { setSessionCookie } from 'better-auth/cookies'
import { twoFactor } from 'better-auth/plugins/two-factor'
import * as z from 'zod'
import type { Clock } from '../kernel/clock.ts'
import { newId } from '../kernel/ids.ts'
import type { MasterKey } from '../kernel/master-key.ts'
import { useUpCode } from './attempts.ts'
import { betterAuthDatabase } from './better-auth-store.ts'
import type { Ground } from './call.ts'
import { cookiePrefix } from './cookie-names.ts'
import { leastCharacters, mostCharacters } from './passwords.ts'
import { isSecondFactorOn } from './person-store.ts'

/** The header that tells better-auth where a request came from. Set by us alone. */
export const addressHeader = 'x-keyturn-address'

export const sessionSeconds = 24 * 3600
export const resetSeconds = 3600

export interface BetterAuthOptions {
  readonly ground: Ground
  readonly clock: Clock
  readonly masterKey: MasterKey
  readonly publicUrl: string
  /** Hands out what a forgotten password is set anew with. */
  readonly onPasswordReset: (email: string, token: string) => Promise<void>
}

/**
 * better-auth, set up for us. It is called as a library: none of its endpoints is served, so that every request is checked,
 * limited, put on record and answered like all others of the API.
 *
 * A session lasts a day and is not drawn out by use (NIST SP 800-63B-4, 2.2.3: reauthentication at least every 24 hours).
 */
export function openBetterAuth({ ground, clock, masterKey, publicUrl, onPasswordReset }: BetterAuthOptions) {
  const times = { createdAt: 'created_at', updatedAt: 'updated_at' } as const
  return betterAuth({
    appName: 'Keyturn',
    baseURL: publicUrl,
    secret: masterKey.signInSecret(),
    database: betterAuthDatabase(ground.reader),
    telemetry: { enabled: false },
    logger: { disabled: true },
    // Ours is per account and address, in the database, and asked before every attempt.
    rateLimit: { enabled: false },
    emailAndPassword: {
      enabled: true,
      disableSignUp: true,
      minPasswordLength: leastCharacters,
      maxPasswordLength: mostCharacters * 4,
      resetPasswordTokenExpiresIn: resetSeconds,
      revokeSessionsOnPasswordReset: true,
      sendResetPassword: ({ user, token }) => onPasswordReset(user.email, token),
    },
    user: {
      modelName: 'people',
      fields: { ...times, emailVerified: 'email_verified' },
    },
    account: {
      modelName: 'accounts',
      fields: {
        ...times,
        userId: 'person_id',
        accountId: 'account_id',
        providerId: 'provider_id',
        accessToken: 'access_token',
        refreshToken: 'refresh_token',
        idToken: 'id_token',
        accessTokenExpiresAt: 'access_token_expires_at',
        refreshTokenExpiresAt: 'refresh_token_expires_at',
      },
    },
    session: {
      modelName: 'sessions',
      fields: {
        ...times,
        userId: 'person_id',
        expiresAt: 'expires_at',
        ipAddress: 'ip_address',
        userAgent: 'user_agent',
      },
      additionalFields: {
        organizationId: { type: 'string', required: false, input: false, fieldName: 'organization_id' },
        pending: { type: 'boolean', required: false, input: false },
      },
      expiresIn: sessionSeconds,
      disableSessionRefresh: true,
      cookieCache: { enabled: false },
    },
    verification: {
      modelName: 'verifications',
      fields: { ...times, expiresAt: 'expires_at' },
      // Whoever reads the table resets nobody's password.
      storeIdentifier: 'hashed',
    },
    plugins: [
      twoFactor({
        issuer: 'Keyturn',
        // It would lock the person out with the guesser; attempts are limited by the challenge, and by ours.
        accountLockout: { enabled: false },
        schema: {
          user: { fields: { twoFactorEnabled: 'two_factor_enabled' } },
          twoFactor: {
            modelName: 'two_factors',
            fields: {
              userId: 'person_id',
              backupCodes: 'backup_codes',
              failedVerificationCount: 'failed_verification_count',
              lockedUntil: 'locked_until',
            },
          },
        },
      }),
      productSessions,
    ],
    databaseHooks: {
      session: {
        create: {
          before: async (session, context) => {
            // By the database's clock, as everything else that begins and ends here.
            await refuseUsedCode(ground, session.userId, context?.path, context?.body)
            const now = await ground.now(ground.reader)
            const ahead = now - session.createdAt.getTime()
            const beforeSecondFactor = context?.path === '/sign-in/email'
            const pending = beforeSecondFactor && (await isSecondFactorOn(ground.reader, session.userId))
            const expiresAt = new Date(session.expiresAt.getTime() + ahead)
            return { data: { ...session, createdAt: new Date(now), updatedAt: new Date(now), expiresAt, pending } }
          },
        },
      },
    },
    advanced: {
      cookiePrefix: cookiePrefix(publicUrl),
      // Its own would put `__Secure-` before ours.
      useSecureCookies: false,
      defaultCookieAttributes: { secure: publicUrl.startsWith('https:') },
      ipAddress: { ipAddressHeaders: [addressHeader], ipv6Subnet: 128 },
      database: { generateId: ({ model }) => newId(idKindOf(model), clock.wallTime()) },
    },
  })
}

/** RFC 6238, 5.2: a code that was accepted once is accepted no more, however long it would hold. */
async function refuseUsedCode(
  ground: Ground,
  personId: string,
  path: string | undefined,
  body: unknown,
): Promise<void> {
  if (path !== '/two-factor/verify-totp') return
  const { code } = z.object({ code: z.string() }).parse(body)
  if (!(await useUpCode(ground, personId, code))) throw new APIError('UNAUTHORIZED', { message: 'the code was used' })
}

export type BetterAuth = ReturnType<typeof openBetterAuth>

function idKindOf(model: string) {
  if (model === 'session' || model === 'account' || model === 'verification' || model === 'twoFactor') return model
  return 'person'
}

/** A session that a product gives to somebody, in one organization. */
const productSessions = {
  id: 'product-sessions',
  endpoints: {
    openProductSession: createAuthEndpoint(
      { method: 'POST', body: z.object({ personId: z.string(), organizationId: z.string(), seconds: z.number() }) },
      async (ctx) => {
        const { personId, organizationId, seconds } = ctx.body
        const user = await ctx.context.internalAdapter.findUserById(personId)
        if (!user) throw new Error('the person of a portal link is gone')
        const { createdAt } = user
        const begun = new Date(createdAt)
        const given = { organizationId, createdAt: begun, expiresAt: new Date(begun.getTime() + 1000 * seconds) }
        const session = await ctx.context.internalAdapter.createSession(personId, false, given, true)
        await setSessionCookie(ctx, { session, user })
        return ctx.json({ session: session.id })
      },
    ),
  },
}
