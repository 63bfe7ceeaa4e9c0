import { systemClock } from '../kernel/clock.ts'
import { newId } from '../kernel/ids.ts'

export const newRequestId = (): string => newId('request', systemClock.wallTime())
