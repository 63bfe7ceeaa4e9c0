import type { ErrorCode } from '@keyturn/contract'
import { type ProblemKind, text } from './problem-kind.ts'

/** Of rules and names. A part of `error-map.ts`. */
export const policyProblems = {
  name_does_not_match_policy: {
    status: 422,
    title: 'The name does not follow the naming rule',
    detail: ({ name_pattern }) => `The whole name must match ${text(name_pattern)}.`,
  },
  name_is_vague: {
    status: 422,
    title: 'The name says nothing',
    detail: () => 'Name the integration and its environment, as "Zapier, production". The policy refuses vague names.',
  },
  policy_is_inconsistent: {
    status: 422,
    title: 'A default would be above its maximum',
    detail: ({ smaller, larger }) =>
      `${text(larger)} must not exceed ${text(smaller)}. Change both, or choose other numbers.`,
  },
  policy_looser_than_organization: {
    status: 422,
    title: 'A project cannot be looser than its organization',
    detail: ({ fields, organization }) =>
      `Looser: ${text(fields)}. The organization has ${JSON.stringify(organization)}; a project may only lower, forbid, or add.`,
  },
} satisfies Partial<Record<ErrorCode, ProblemKind>>
