import type { CallProblem, Result } from '@keyturn/sdk'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { orThrow, problemIn } from './api.ts'

export interface Change<V, T> {
  readonly run: (input: V) => void
  readonly pending: boolean
  readonly problem: CallProblem | null
  readonly value: T | undefined
  readonly reset: () => void
}

interface Outcome<V, T> {
  readonly done?: (value: T, input: V) => void
  /** Called also when whoever began it is not shown any more, as a menu that has closed. */
  readonly failed?: (problem: CallProblem) => void
  /** What there is no more after it, by the first names of its queries: it is not asked for again. */
  readonly gone?: readonly string[]
}

/**
 * One change through the API. Whatever is shown is read anew after it, for a change of one thing shows in many places.
 */
export function useChange<V, T>(
  work: (input: V) => Promise<Result<T>>,
  outcome: Outcome<V, T> | NonNullable<Outcome<V, T>['done']> = {},
): Change<V, T> {
  const queries = useQueryClient()
  const { done, failed, gone = [] }: Outcome<V, T> = typeof outcome === 'function' ? { done: outcome } : outcome
  const mutation = useMutation({
    mutationFn: async (input: V) => orThrow(await work(input)),
    onSuccess: (value, input) => {
      done?.(value, input)
      void queries.invalidateQueries({ predicate: ({ queryKey: [name] }) => !gone.some((one) => one === name) })
    },
    onError: (error) => {
      const problem = problemIn(error)
      if (problem) failed?.(problem)
    },
  })
  return {
    run: (input) => mutation.mutate(input),
    pending: mutation.isPending,
    problem: problemIn(mutation.error),
    value: mutation.data,
    reset: mutation.reset,
  }
}
