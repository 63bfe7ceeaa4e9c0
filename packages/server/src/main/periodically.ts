import type { Logger } from 'pino'

/**
 * Runs work every so often, never twice at once. What fails is logged and tried again the next time.
 *
 * @returns stops it, and waits for work that is under way
 */
export function periodically(
  intervalMs: number,
  log: Logger,
  name: string,
  work: () => Promise<unknown>,
): () => Promise<void> {
  let running: Promise<void> | null = null
  const timer = setInterval(() => {
    running ??= work()
      .then(
        () => {},
        (error: unknown) => log.warn({ err: error, job: name }, 'a background job failed; it will be tried again'),
      )
      .finally(() => {
        running = null
      })
  }, intervalMs)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await running
  }
}
