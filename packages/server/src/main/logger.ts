import pino, { type Logger } from 'pino'
import { redact } from '../kernel/redaction.ts'

/** JSON lines on standard error. Every line goes through `redact` on its way, whatever put it there. */
export function createLogger(level: string): Logger {
  return pino(
    {
      level,
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => void process.stderr.write(redact(line)) },
  )
}
