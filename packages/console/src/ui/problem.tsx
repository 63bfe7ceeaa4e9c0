import type { CallProblem } from '@keyturn/sdk'
import { Alert, Button, Group, Loader, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { problemIn } from '../api/api.ts'

/** What went wrong and what to do about it, as the server says it; for who asks for help, the number of the request. */
export function ProblemNote({
  problem,
  action,
}: {
  readonly problem: CallProblem | null
  readonly action?: ReactNode
}) {
  if (!problem) return null
  const fields = problem.code === 'invalid_request' ? problem.errors : []
  return (
    <Alert color="red" variant="light" title={problem.title} role="alert">
      {fields.length > 0 ? (
        fields.map(({ path, detail }) => (
          <Text key={path} size="sm">
            <strong>{path.replaceAll('_', ' ')}</strong>: {detail}
          </Text>
        ))
      ) : (
        <Text size="sm">{problem.detail}</Text>
      )}
      <Group gap="sm" mt={4}>
        {action}
        {problem.request_id !== null && (
          <Text size="xs" className="mono">
            {problem.request_id}
          </Text>
        )}
      </Group>
    </Alert>
  )
}

interface Read<T> {
  readonly data: T | undefined
  readonly error: unknown
  readonly isPending: boolean
  readonly refetch: () => unknown
}

/** What is read through the API: its content, that it comes, or why it does not. */
export function Reading<T>({ of, children }: { readonly of: Read<T>; readonly children: (data: T) => ReactNode }) {
  if (of.data !== undefined) return children(of.data)
  const problem = problemIn(of.error)
  if (problem)
    return (
      <ProblemNote
        problem={problem}
        action={
          <Button size="compact-sm" variant="default" onClick={() => void of.refetch()}>
            Try again
          </Button>
        }
      />
    )
  return (
    <Group justify="center" py="xl" role="status" aria-label="Loading">
      <Loader size="sm" />
    </Group>
  )
}
