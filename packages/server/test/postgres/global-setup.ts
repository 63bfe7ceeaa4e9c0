import type { TestProject } from 'vitest/node'
import { type PostgresServer, startPostgres } from './postgres-server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Superuser of a PostgreSQL server that lasts for the run; a test makes databases of its own there. */
    postgresUrl: string
  }
}

let server: PostgresServer | undefined

/** One server for the whole run, on the oldest PostgreSQL supported; `TEST_POSTGRES_VERSION=18` takes the newest. */
export async function setup(project: TestProject): Promise<void> {
  server = await startPostgres({ version: process.env['TEST_POSTGRES_VERSION'] === '18' ? 18 : 15 })
  project.provide('postgresUrl', server.url)
}

export async function teardown(): Promise<void> {
  await server?.stop()
}
