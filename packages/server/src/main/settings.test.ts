import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StartError } from '../kernel/errors.ts'
import { parseMasterKey, readSettings } from './settings.ts'

const hex = '0123456789abcdef'.repeat(4)
const rootKey = 'r'.repeat(32)

describe('settings', () => {
  let directory: string
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'keyturn-settings-'))
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  const read = (environment: Record<string, string> = {}) => readSettings(environment, directory)
  const writeFile = (name: string, text: string) => {
    writeFileSync(path.join(directory, name), text)
    return path.join(directory, name)
  }
  const writeConfig = (settings: unknown) => writeFile('keyturn.config.json', JSON.stringify(settings))

  function refusalOf(environment: Record<string, string>): string {
    try {
      read(environment)
    } catch (error) {
      if (error instanceof StartError) return error.message
      throw error
    }
    throw new Error('nothing was refused')
  }

  /** One sentence that names the setting and what to do. */
  function expectRefusal(environment: Record<string, string>, names: string, remedy: RegExp) {
    const message = refusalOf(environment)
    expect(message).toContain(names)
    expect(message).toMatch(remedy)
    expect(message).not.toMatch(/[\r\n]/)
  }

  it('are these where nothing is set', () => {
    expect(read()).toEqual({
      host: '127.0.0.1',
      port: 4500,
      publicUrl: 'http://localhost:4500',
      dataDir: path.join(directory, 'data'),
      databaseUrl: null,
      masterKey: null,
      rootKey: null,
      keyPrefix: 'kt',
      logLevel: 'info',
      maxStalenessMs: 60_000,
      cachedKeys: 1_000_000,
      trustedProxies: [],
      smtpUrl: null,
      redisUrl: null,
      mailFrom: 'Keyturn <keyturn@localhost>',
      webhookAllowPrivate: [],
    })
  })

  it('come from the environment', () => {
    const environment = {
      KEYTURN_HOST: '0.0.0.0',
      KEYTURN_PORT: '8080',
      KEYTURN_PUBLIC_URL: 'https://keys.example.com/',
      KEYTURN_DATA_DIR: 'elsewhere',
      KEYTURN_MASTER_KEY: hex,
      KEYTURN_ROOT_KEY: rootKey,
      KEYTURN_KEY_PREFIX: 'acme',
      KEYTURN_LOG_LEVEL: 'warn',
      KEYTURN_MAX_STALENESS: '30',
      KEYTURN_CACHED_KEYS: '5000',
      KEYTURN_TRUSTED_PROXIES: '10.0.0.0/8, 2001:db8::1',
      KEYTURN_MAIL_FROM: 'Keys <keys@example.com>',
      KEYTURN_WEBHOOK_ALLOW_PRIVATE: '10.1.0.0/16, 127.0.0.1',
      SMTP_URL: 'smtps://user:password@mail.example.com',
      REDIS_URL: 'rediss://user:secret@redis.example.com:6380/2',
      DATABASE_URL: 'postgresql://user:secret@db.example.com/keyturn',
      HOME: '/nowhere',
      NODE_ENV: 'production',
    }
    expect(read(environment)).toEqual({
      host: '0.0.0.0',
      port: 8080,
      publicUrl: 'https://keys.example.com',
      dataDir: path.join(directory, 'elsewhere'),
      databaseUrl: 'postgresql://user:secret@db.example.com/keyturn',
      masterKey: Buffer.from(hex, 'hex'),
      rootKey,
      keyPrefix: 'acme',
      logLevel: 'warn',
      maxStalenessMs: 30_000,
      cachedKeys: 5000,
      trustedProxies: ['10.0.0.0/8', '2001:db8::1'],
      smtpUrl: 'smtps://user:password@mail.example.com',
      redisUrl: 'rediss://user:secret@redis.example.com:6380/2',
      mailFrom: 'Keys <keys@example.com>',
      webhookAllowPrivate: ['10.1.0.0/16', '127.0.0.1'],
    })
  })

  it('that are empty are not set', () => {
    expect(
      read({ KEYTURN_PORT: '', KEYTURN_HOST: '', KEYTURN_DATA_DIR: '', DATABASE_URL: '', KEYTURN_ROOT_KEY_FILE: '' }),
    ).toEqual(read())
    writeConfig({ KEYTURN_HOST: '', KEYTURN_DATA_DIR: '' })
    expect(read()).toMatchObject({ host: '127.0.0.1', dataDir: path.join(directory, 'data') })
  })

  describe('that are wrong are refused, with the name and a remedy', () => {
    it.each<[Record<string, string>, string, RegExp]>([
      [{ KEYTURN_PROT: '1' }, 'KEYTURN_PROT', /unset it, or use one of KEYTURN_HOST, /],
      [{ KEYTURN_PORT_FILES: '1' }, 'KEYTURN_PORT_FILES', /unset it/],
      [{ KEYTURN_PORT: 'http' }, 'KEYTURN_PORT', /a whole number from 0 to 65535, not "http"/],
      [{ KEYTURN_PORT: '65536' }, 'KEYTURN_PORT', /from 0 to 65535/],
      [{ KEYTURN_PORT: '-1' }, 'KEYTURN_PORT', /from 0 to 65535/],
      [{ KEYTURN_PORT: '80.5' }, 'KEYTURN_PORT', /whole number/],
      [{ KEYTURN_PORT: ' 80' }, 'KEYTURN_PORT', /whole number/],
      [{ KEYTURN_PUBLIC_URL: 'keys.example.com' }, 'KEYTURN_PUBLIC_URL', /as https:\/\//],
      [{ KEYTURN_PUBLIC_URL: 'ftp://keys.example.com' }, 'KEYTURN_PUBLIC_URL', /http or https/],
      [{ KEYTURN_PUBLIC_URL: 'https://keys.example.com/?a=1' }, 'KEYTURN_PUBLIC_URL', /without query/],
      [
        { DATABASE_URL: 'mysql://localhost/keyturn', KEYTURN_MASTER_KEY: hex },
        'DATABASE_URL',
        /unset it to use the embedded/,
      ],
      [{ DATABASE_URL: 'localhost', KEYTURN_MASTER_KEY: hex }, 'DATABASE_URL', /postgres:\/\//],
      [{ DATABASE_URL: 'postgres://localhost/keyturn' }, 'KEYTURN_MASTER_KEY', /openssl rand -hex 32/],
      [{ KEYTURN_MASTER_KEY: 'short' }, 'KEYTURN_MASTER_KEY', /openssl rand -hex 32/],
      [{ KEYTURN_MASTER_KEY: hex.slice(2) }, 'KEYTURN_MASTER_KEY', /32 bytes/],
      [{ KEYTURN_MASTER_KEY: `${hex}00` }, 'KEYTURN_MASTER_KEY', /32 bytes/],
      [{ KEYTURN_ROOT_KEY: 'r'.repeat(31) }, 'KEYTURN_ROOT_KEY', /32 to 256/],
      [{ KEYTURN_ROOT_KEY: 'r'.repeat(257) }, 'KEYTURN_ROOT_KEY', /32 to 256/],
      [{ KEYTURN_ROOT_KEY: `${rootKey} ${rootKey}` }, 'KEYTURN_ROOT_KEY', /without spaces/],
      [{ KEYTURN_ROOT_KEY: 'ä'.repeat(32) }, 'KEYTURN_ROOT_KEY', /ASCII/],
      [{ KEYTURN_KEY_PREFIX: 'k' }, 'KEYTURN_KEY_PREFIX', /unset it for kt/],
      [{ KEYTURN_KEY_PREFIX: 'my_keys' }, 'KEYTURN_KEY_PREFIX', /2 to 12 of a-z and 0-9/],
      [{ KEYTURN_KEY_PREFIX: 'Acme' }, 'KEYTURN_KEY_PREFIX', /a-z/],
      [{ SMTP_URL: 'mail.example.com:587' }, 'SMTP_URL', /unset it to send no mail/],
      [{ SMTP_URL: 'https://mail.example.com' }, 'SMTP_URL', /as smtp:\/\//],
      [{ REDIS_URL: 'redis.example.com:6379' }, 'REDIS_URL', /as redis:\/\//],
      [{ REDIS_URL: 'https://redis.example.com' }, 'REDIS_URL', /rediss:\/\/ for TLS/],
      [{ REDIS_URL: 'redis://' }, 'REDIS_URL', /count rate limits by itself/],
      [{ REDIS_URL: 'redis:///run/redis.sock' }, 'REDIS_URL', /as redis:\/\//],
      [{ REDIS_URL: 'redis://redis.example.com/first' }, 'REDIS_URL', /6379\/0/],
      [{ REDIS_URL: 'redis://redis.example.com/0?family=6' }, 'REDIS_URL', /6379\/0/],
      [{ KEYTURN_MAIL_FROM: 'Keyturn' }, 'KEYTURN_MAIL_FROM', /must be an address/],
      [{ KEYTURN_MAIL_FROM: 'a@b.example\r\nBcc: c@d.example' }, 'KEYTURN_MAIL_FROM', /must be an address/],
      [{ KEYTURN_WEBHOOK_ALLOW_PRIVATE: 'localhost' }, 'KEYTURN_WEBHOOK_ALLOW_PRIVATE', /networks, as 10.0.0.0\/8/],
      [{ KEYTURN_LOG_LEVEL: 'loud' }, 'KEYTURN_LOG_LEVEL', /one of fatal, error, warn/],
    ])('%j', (environment, names, remedy) => expectRefusal(environment, names, remedy))

    it('without telling the secret that was wrong', () => {
      for (const environment of [
        { KEYTURN_MASTER_KEY: 'my-own-secret-words' },
        { KEYTURN_ROOT_KEY: 'my-own-secret-words' },
        { DATABASE_URL: 'mysql://user:my-own-secret-words@localhost/keyturn' },
        { SMTP_URL: 'http://user:my-own-secret-words@mail.example.com' },
        { REDIS_URL: 'http://user:my-own-secret-words@redis.example.com' },
      ] as Record<string, string>[]) {
        expect(refusalOf(environment)).not.toContain('my-own-secret-words')
      }
    })
  })

  describe('as …_FILE', () => {
    it('are what the file says, without the line break at its end', () => {
      const files = {
        KEYTURN_PORT_FILE: writeFile('port', '8080\n'),
        KEYTURN_MASTER_KEY_FILE: writeFile('master', `${hex}\r\n`),
        KEYTURN_ROOT_KEY_FILE: writeFile('root', ` ${rootKey}\n`),
        DATABASE_URL_FILE: writeFile('database', 'postgres://localhost/keyturn\n'),
      }
      expect(read(files)).toMatchObject({
        port: 8080,
        masterKey: Buffer.from(hex, 'hex'),
        rootKey,
        databaseUrl: 'postgres://localhost/keyturn',
      })
    })

    it('exist for every setting', () => {
      for (const name of Object.keys({
        KEYTURN_HOST: 1,
        KEYTURN_PUBLIC_URL: 1,
        KEYTURN_DATA_DIR: 1,
        KEYTURN_KEY_PREFIX: 1,
        KEYTURN_LOG_LEVEL: 1,
      })) {
        expectRefusal({ [`${name}_FILE`]: path.join(directory, 'missing') }, `${name}_FILE`, /correct the path/)
      }
    })

    it('are refused where there is no file, nothing in it, or the setting itself beside it', () => {
      expectRefusal(
        { KEYTURN_ROOT_KEY_FILE: path.join(directory, 'missing') },
        'KEYTURN_ROOT_KEY_FILE',
        /ENOENT.*correct the path/,
      )
      expectRefusal({ KEYTURN_ROOT_KEY_FILE: directory }, 'KEYTURN_ROOT_KEY_FILE', /EISDIR/)
      expectRefusal(
        { KEYTURN_HOST_FILE: writeFile('host', '\n') },
        'KEYTURN_HOST_FILE',
        /empty; write the value into it/,
      )
      const file = writeFile('root', rootKey)
      expectRefusal(
        { KEYTURN_ROOT_KEY_FILE: file, KEYTURN_ROOT_KEY: rootKey },
        'KEYTURN_ROOT_KEY_FILE',
        /unset one of them/,
      )
    })

    it('are refused by the name of the setting where what is in the file is wrong', () => {
      expectRefusal({ KEYTURN_PORT_FILE: writeFile('port', 'http') }, 'KEYTURN_PORT', /whole number/)
    })
  })

  describe('in keyturn.config.json', () => {
    it('hold where the environment says nothing, which wins', () => {
      writeConfig({ KEYTURN_PORT: 8080, KEYTURN_LOG_LEVEL: 'debug' })
      expect(read({ KEYTURN_LOG_LEVEL: 'warn' })).toMatchObject({ port: 8080, logLevel: 'warn' })
      expect(read({ KEYTURN_PORT_FILE: writeFile('port', '9090') })).toMatchObject({ port: 9090, logLevel: 'debug' })
    })

    it.each<[string, string, RegExp]>([
      ['{', 'keyturn.config.json', /not valid JSON; correct it or remove it/],
      ['', 'keyturn.config.json', /not valid JSON/],
      ['[]', 'keyturn.config.json', /one JSON object/],
      ['null', 'keyturn.config.json', /one JSON object/],
      ['{"port": 1}', 'port in keyturn.config.json', /remove it, or use one of/],
      ['{"KEYTURN_ROOT_KEY_FILE": "x"}', 'KEYTURN_ROOT_KEY_FILE in keyturn.config.json', /remove it/],
      ['{"KEYTURN_PORT": true}', 'KEYTURN_PORT in keyturn.config.json', /string or a number/],
      ['{"KEYTURN_PORT": 1.5}', 'KEYTURN_PORT', /whole number/],
    ])('are refused where it says %s', (text, names, remedy) => {
      writeFile('keyturn.config.json', text)
      expectRefusal({}, names, remedy)
    })

    it('are refused where it cannot be read', () => {
      mkdirSync(path.join(directory, 'keyturn.config.json'))
      expectRefusal({}, 'keyturn.config.json', /EISDIR.*correct its permissions or remove it/)
    })
  })

  it('take a master key as hex, base64 and base64url, all the same', () => {
    const octets = Buffer.from('fbff'.repeat(16), 'hex')
    for (const encoding of ['hex', 'base64', 'base64url'] as const) {
      expect(parseMasterKey(octets.toString(encoding), 'KEYTURN_MASTER_KEY')).toEqual(octets)
    }
  })
})
