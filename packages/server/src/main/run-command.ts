import { StartError } from '../kernel/errors.ts'
import { redact } from '../kernel/redaction.ts'

/**
 * Runs a command of the terminal. What is set wrong ends it with one sentence and exit code 2; what nobody foresaw with its stack
 * and 1.
 */
export async function runCommand(command: () => Promise<void>): Promise<void> {
  try {
    await command()
  } catch (error) {
    if (error instanceof StartError) {
      console.error(error.message)
      process.exit(2)
    }
    console.error(redact(error instanceof Error ? (error.stack ?? error.message) : String(error)))
    process.exit(1)
  }
}
