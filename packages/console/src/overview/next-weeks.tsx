import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { queries } from '../api/queries.ts'
import { barsOf, WeekLegend } from '../expirations/week-bars.tsx'
import { Bars } from '../ui/bars.tsx'
import { Link } from '../ui/link.tsx'
import { Section } from '../ui/page.tsx'
import { Reading } from '../ui/problem.tsx'
import { parseTime, shortDayOf } from '../words/time.ts'

/** Thirteen weeks as one strip. */
export function NextWeeks({ org }: { readonly org: string }) {
  const forecast = useQuery(queries.forecast(org))
  return (
    <Section
      title="The next 90 days"
      lead="How much ends in each week."
      actions={
        <Link to="/$org/expirations" params={{ org }} size="sm">
          Everything that ends
        </Link>
      }
    >
      <Reading of={forecast}>
        {({ weeks }) => {
          const shown = weeks.slice(0, 13)
          if (shown.every(({ count }) => count === 0))
            return (
              <Text size="sm" className="soft">
                Nothing ends within 90 days.
              </Text>
            )
          const ticks = shown
            .filter((_, index) => index % 3 === 0)
            .map(({ starts_on }) => shortDayOf(parseTime(starts_on)))
          return (
            <Bars label="What ends, by week" bars={barsOf(shown)} height="4.5rem" ticks={ticks}>
              <WeekLegend />
            </Bars>
          )
        }}
      </Reading>
    </Section>
  )
}
