import { readFileSync } from 'node:fs'
import path from 'node:path'
import { addressOrNetwork } from '@keyturn/contract'
import { StartError } from '../kernel/errors.ts'

/** All that can be set, checked. */
export interface Settings {
  readonly host: string
  readonly port: number
  readonly publicUrl: string
  readonly dataDir: string
  /** Null: the embedded database in `dataDir`. */
  readonly databaseUrl: string | null
  /** 32 bytes; null: made at first start, in `dataDir`. */
  readonly masterKey: Uint8Array | null
  readonly rootKey: string | null
  readonly keyPrefix: string
  readonly logLevel: string
  /** For how long a node trusts its memory without hearing from the database. */
  readonly maxStalenessMs: number
  /** The most keys that a node keeps in memory. */
  readonly cachedKeys: number
  /** Networks of proxies whose `X-Forwarded-For` counts. */
  readonly trustedProxies: readonly string[]
  /** Null: none, and links are handed over by people. */
  readonly smtpUrl: string | null
  /** Null: each node counts rate limits by itself. */
  readonly redisUrl: string | null
  /** What mail comes from. */
  readonly mailFrom: string
  /** Addresses and networks that webhooks may call though they are not public. */
  readonly webhookAllowPrivate: readonly string[]
}

const names = [
  'KEYTURN_HOST',
  'KEYTURN_PORT',
  'KEYTURN_PUBLIC_URL',
  'KEYTURN_DATA_DIR',
  'KEYTURN_MASTER_KEY',
  'KEYTURN_ROOT_KEY',
  'KEYTURN_KEY_PREFIX',
  'KEYTURN_LOG_LEVEL',
  'KEYTURN_MAX_STALENESS',
  'KEYTURN_CACHED_KEYS',
  'KEYTURN_TRUSTED_PROXIES',
  'KEYTURN_MAIL_FROM',
  'KEYTURN_WEBHOOK_ALLOW_PRIVATE',
  'SMTP_URL',
  'REDIS_URL',
  'DATABASE_URL',
] as const
type Name = (typeof names)[number]
const isName = (name: string): name is Name => (names as readonly string[]).includes(name)

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']
const configFile = 'keyturn.config.json'

/**
 * Settings from the environment, each also as `…_FILE` with the path of a file that holds the value, and from
 * `keyturn.config.json` in the working directory, under the same names. The environment wins.
 *
 * @throws StartError naming the setting and the remedy
 */
export function readSettings(environment: NodeJS.ProcessEnv, directory: string): Settings {
  const values = { ...readConfigFile(directory), ...readEnvironment(environment) }
  const port = wholeNumber('KEYTURN_PORT', values.KEYTURN_PORT ?? '4500', 0, 65_535)
  const databaseUrl = values.DATABASE_URL ?? null
  if (databaseUrl !== null && !/^postgres(ql)?:\/\//.test(databaseUrl)) {
    throw new StartError(
      'DATABASE_URL must be a PostgreSQL URL, as postgres://user:password@host:5432/keyturn; unset it to use the embedded database.',
    )
  }
  const masterKey =
    values.KEYTURN_MASTER_KEY === undefined ? null : parseMasterKey(values.KEYTURN_MASTER_KEY, 'KEYTURN_MASTER_KEY')
  if (databaseUrl !== null && masterKey === null) {
    throw new StartError('KEYTURN_MASTER_KEY must be set where DATABASE_URL is; make one with: openssl rand -hex 32')
  }
  const rootKey = values.KEYTURN_ROOT_KEY ?? null
  if (rootKey !== null && !/^[\x21-\x7e]{32,256}$/.test(rootKey)) {
    throw new StartError(
      'KEYTURN_ROOT_KEY must be 32 to 256 visible ASCII characters without spaces; make one with: openssl rand -hex 32',
    )
  }
  const keyPrefix = values.KEYTURN_KEY_PREFIX ?? 'kt'
  if (!/^[a-z][a-z0-9]{1,11}$/.test(keyPrefix)) {
    throw new StartError('KEYTURN_KEY_PREFIX must be 2 to 12 of a-z and 0-9, beginning with a letter; unset it for kt.')
  }
  const logLevel = values.KEYTURN_LOG_LEVEL ?? 'info'
  if (!logLevels.includes(logLevel)) throw new StartError(`KEYTURN_LOG_LEVEL must be one of ${logLevels.join(', ')}.`)
  const publicUrl = parsePublicUrl(values.KEYTURN_PUBLIC_URL ?? `http://localhost:${port}`)
  const smtpUrl = values.SMTP_URL ?? null
  if (smtpUrl !== null && !(URL.canParse(smtpUrl) && /^smtps?:\/\//.test(smtpUrl))) {
    throw new StartError(
      'SMTP_URL must be a URL, as smtp://user:password@mail.example.com:587; unset it to send no mail.',
    )
  }
  const redisUrl = values.REDIS_URL ?? null
  if (redisUrl !== null && !isRedisUrl(redisUrl)) {
    throw new StartError(
      'REDIS_URL must be a URL, as redis://user:password@redis.example.com:6379/0, or rediss:// for TLS; unset it to let each node count rate limits by itself.',
    )
  }
  const mailFrom = values.KEYTURN_MAIL_FROM ?? `Keyturn <keyturn@${new URL(publicUrl).hostname}>`
  if (/[\r\n]/.test(mailFrom) || !mailFrom.includes('@')) {
    throw new StartError('KEYTURN_MAIL_FROM must be an address, as Keyturn <keys@example.com>.')
  }
  return {
    host: values.KEYTURN_HOST ?? '127.0.0.1',
    port,
    publicUrl,
    dataDir: path.resolve(directory, values.KEYTURN_DATA_DIR ?? 'data'),
    databaseUrl,
    masterKey,
    rootKey,
    keyPrefix,
    logLevel,
    maxStalenessMs: 1000 * wholeNumber('KEYTURN_MAX_STALENESS', values.KEYTURN_MAX_STALENESS ?? '60', 3, 3600),
    cachedKeys: wholeNumber('KEYTURN_CACHED_KEYS', values.KEYTURN_CACHED_KEYS ?? '1000000', 0, 10_000_000),
    trustedProxies: parseNetworks('KEYTURN_TRUSTED_PROXIES', values.KEYTURN_TRUSTED_PROXIES ?? ''),
    smtpUrl,
    redisUrl,
    mailFrom,
    webhookAllowPrivate: parseNetworks('KEYTURN_WEBHOOK_ALLOW_PRIVATE', values.KEYTURN_WEBHOOK_ALLOW_PRIVATE ?? ''),
  }
}

type Values = Partial<Record<Name, string>>

function readEnvironment(environment: NodeJS.ProcessEnv): Values {
  const values: Values = {}
  for (const [variable, value] of Object.entries(environment)) {
    if (value === undefined || value === '') continue
    const name = variable.replace(/_FILE$/, '')
    if (!isName(name)) {
      if (variable.startsWith('KEYTURN_')) {
        throw new StartError(`${variable} is not a setting of Keyturn; unset it, or use one of ${names.join(', ')}.`)
      }
    } else if (name === variable) values[name] = value
    else if (environment[name]) throw new StartError(`${name} and ${variable} are both set; unset one of them.`)
    else values[name] = readValueFile(variable, value)
  }
  return values
}

function readValueFile(variable: string, file: string): string {
  let value: string
  try {
    value = readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new StartError(
      `${variable} names a file that cannot be read (${reasonOf(error)}); correct the path or its permissions.`,
    )
  }
  // Somebody meant to set something: an empty host would be every address, an empty directory the working one.
  if (value === '')
    throw new StartError(`${variable} names a file that is empty; write the value into it, or unset it.`)
  return value
}

function readConfigFile(directory: string): Values {
  let text: string
  try {
    text = readFileSync(path.join(directory, configFile), 'utf8')
  } catch (error) {
    if (reasonOf(error) === 'ENOENT') return {}
    throw new StartError(`${configFile} cannot be read (${reasonOf(error)}); correct its permissions or remove it.`)
  }
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw new StartError(`${configFile} is not valid JSON; correct it or remove it.`)
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new StartError(`${configFile} must hold one JSON object, as {"KEYTURN_PORT": 4500}.`)
  }
  const values: Values = {}
  for (const [name, value] of Object.entries(parsed)) {
    if (!isName(name))
      throw new StartError(`${name} in ${configFile} is not a setting; remove it, or use one of ${names.join(', ')}.`)
    if (typeof value !== 'string' && typeof value !== 'number') {
      throw new StartError(`${name} in ${configFile} must be a string or a number.`)
    }
    // As in the environment: empty is not set.
    if (value !== '') values[name] = String(value)
  }
  return values
}

function wholeNumber(name: Name, text: string, least: number, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= least && value <= most))
    throw new StartError(`${name} must be a whole number from ${least} to ${most}, not ${JSON.stringify(text)}.`)
  return value
}

function parseNetworks(name: Name, text: string): readonly string[] {
  const networks = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  const wrong = networks.find((network) => !addressOrNetwork.safeParse(network).success)
  if (wrong !== undefined) {
    throw new StartError(
      `${name} has ${JSON.stringify(wrong)}; list addresses or networks, as 10.0.0.0/8, with commas.`,
    )
  }
  return networks
}

/** A host, and a number of a database or none: what the client would take for something else is not passed on to it. */
function isRedisUrl(text: string): boolean {
  if (!URL.canParse(text) || !/^rediss?:\/\/./.test(text)) return false
  const { hostname, pathname, search, hash } = new URL(text)
  return hostname !== '' && /^(\/\d{0,4})?$/.test(pathname) && search === '' && hash === ''
}

function parsePublicUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash) {
    throw new StartError('KEYTURN_PUBLIC_URL must be an http or https URL without query, as https://keys.example.com')
  }
  return url.href.replace(/\/$/, '')
}

/** 32 bytes as hex, base64 or base64url. @throws StartError */
export function parseMasterKey(text: string, name: string): Uint8Array {
  const octets = /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : Buffer.from(text, 'base64')
  if (octets.length !== 32 || !/^[\w+/=-]+$/.test(text)) {
    throw new StartError(`${name} must be 32 bytes as hex or base64; make one with: openssl rand -hex 32`)
  }
  return octets
}

export function reasonOf(error: unknown): string {
  if (error instanceof Error) return 'code' in error && typeof error.code === 'string' ? error.code : error.message
  return String(error)
}
