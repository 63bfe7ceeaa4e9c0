import { type ActionName, isAllowed, rolesFor, type Standing, type Target } from '@keyturn/contract'
import type { AnswerOf } from '@keyturn/sdk'
import { Text } from '@mantine/core'
import { createContext, type ReactNode, use } from 'react'
import { rolesInWords } from '../words/words.ts'

export type Me = AnswerOf<'GET /v1/me'>
export type Membership = Me['memberships'][number]

interface Here {
  readonly me: Me
  readonly membership: Membership
}

const HereContext = createContext<Here | null>(null)
export const HereProvider = HereContext.Provider

/** Who reads, and in which organization. */
export function useHere(): Here {
  const here = use(HereContext)
  if (!here) throw new Error('this is shown outside of an organization')
  return here
}

export const useOrg = (): string => useHere().membership.organization.slug

export const standingOf = ({ role, projects }: Membership): Standing => ({
  role,
  projects: new Map(projects.map((one) => [one.project_id, one.role])),
})

/** The server's own table and the server's own rule; what it says here is what the server would answer. */
export function useMay(): (action: ActionName, target?: Target) => boolean {
  const { me, membership } = useHere()
  const standing = standingOf(membership)
  return (action, target = { projectId: null }) => isAllowed(action, standing, target, me.email)
}

interface PermittedProps {
  readonly action: ActionName
  readonly target?: Target
  /** What the button would do, as "Extending". */
  readonly doing: string
  readonly children: ReactNode
}

/** A button for who may; in its place for others, which role it wants and whom to ask for that. */
export function Permitted({ action, target, doing, children }: PermittedProps) {
  const may = useMay()
  if (may(action, target)) return children
  return <MissingRight action={action} doing={doing} />
}

export function MissingRight({ action, doing }: Pick<PermittedProps, 'action' | 'doing'>) {
  return (
    <Text component="span" size="sm" className="soft">
      {useMissingRight()(action, doing)}
    </Text>
  )
}

/** In words: "Extending wants the role manager. Ask Ada <ada@example.com>." */
export function useMissingRight(): (action: ActionName, doing: string) => string {
  const { me, membership } = useHere()
  const others = membership.administrators.filter(({ email }) => email !== me.email)
  const asked = others.slice(0, 2).map(({ name, email }) => `${name} (${email})`)
  return (action, doing) => {
    const wanted = rolesFor(action)
    if (wanted.length === 0) return `${doing} is done with the root key.`
    return `${doing} wants the role ${rolesInWords(wanted.slice(0, 2))}.${asked.length > 0 ? ` Ask ${asked.join(' or ')}.` : ''}`
  }
}
