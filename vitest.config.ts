import { defineConfig } from 'vitest/config'

// What a developer has set for a server of their own must not reach the tests.
for (const name of Object.keys(process.env))
  if (/^(KEYTURN_|DATABASE_URL|REDIS_URL|SMTP_URL|PG[A-Z]+$)/.test(name)) delete process.env[name]

export default defineConfig({
  test: {
    include: ['packages/**/src/**/*.test.ts', 'packages/server/test/**/*.test.ts', 'e2e/**/*.test.ts'],
    globalSetup: ['packages/server/test/support/templates.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
    env: { TZ: 'UTC' },
  },
})
