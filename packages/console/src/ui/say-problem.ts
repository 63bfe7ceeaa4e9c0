import type { CallProblem } from '@keyturn/sdk'
import { notifications } from '@mantine/notifications'

/** For what has no form in which a problem could be said: it is said beside the page, and stays long enough to be read. */
export function sayProblem({ title, detail }: CallProblem): void {
  notifications.show({ color: 'red', title, message: detail, autoClose: 12_000 })
}
