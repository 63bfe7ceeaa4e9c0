import path from 'node:path'
import { defineConfig } from 'vitest/config'

// What a developer has set for a server of their own must not reach the tests.
for (const name of Object.keys(process.env))
  if (/^(KEYTURN_|DATABASE_URL|REDIS_URL|SMTP_URL|PG[A-Z]+$)/.test(name)) delete process.env[name]

process.env['NODE_COMPILE_CACHE'] ??= path.join(import.meta.dirname, 'node_modules', '.cache', 'compiled')

export default defineConfig({
  test: {
    include: ['packages/**/src/**/*.test.ts', 'packages/server/test/**/*.test.ts', 'e2e/**/*.test.ts'],
    globalSetup: ['packages/server/test/support/templates.ts'],
    // What stands in the modules of a process is the same for every test file that runs in it: to load all of the server anew for each of
    // them took a fifth of the time. A test that leaves something behind would be seen by others.
    isolate: false,
    setupFiles: ['e2e/console/guard.ts'],
    pool: 'forks',
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
    env: { TZ: 'UTC' },
  },
})
