import type { Project } from '@keyturn/contract'
import { Progress, Stack, Text } from '@mantine/core'
import { useQueries } from '@tanstack/react-query'
import { queries } from '../api/queries.ts'
import { Link } from '../ui/link.tsx'

const mostAsked = 8

/** How full each project is: active and disabled ones count. The fullest first. */
export function Limits({ org, projects }: { readonly org: string; readonly projects: readonly Project[] }) {
  const asked = projects.slice(0, mostAsked)
  const counted = useQueries({ queries: asked.map(({ id }) => queries.keys(org, id, { limit: 1 })) })
  const rows = asked
    .flatMap((project, index) => {
      const counts = counted[index]?.data?.counts
      if (typeof counts?.active !== 'number' || typeof counts.disabled !== 'number') return []
      return [{ project, used: counts.active + counts.disabled, limit: project.policy.max_active_keys }]
    })
    .toSorted((a, b) => b.used / b.limit - a.used / a.limit)
  return (
    <Stack gap={6}>
      {rows.slice(0, 4).map(({ project, used, limit }) => (
        <div key={project.id}>
          <Text size="xs" component="div" style={{ display: 'flex', justifyContent: 'space-between', gap: '1rem' }}>
            <Link to="/$org/keys" params={{ org }} search={{ project: project.id }}>
              {project.name}
            </Link>
            <span>
              {used.toLocaleString()} of {limit.toLocaleString()}
            </span>
          </Text>
          <Progress
            value={(100 * used) / limit}
            size={4}
            mt={2}
            color={used / limit > 0.9 ? 'red' : 'accent'}
            aria-label={`${project.name}: ${used} of ${limit}`}
          />
        </div>
      ))}
    </Stack>
  )
}
