import { Group, Stack, Text, Title } from '@mantine/core'
import { type ReactNode, useEffect, useRef } from 'react'

interface PageProps {
  readonly title: string
  /** What the tab says; the title unless it is given. */
  readonly tab?: string
  readonly lead?: ReactNode
  readonly actions?: ReactNode
  readonly children: ReactNode
}

/** A page: its title is in the tab, and is where a screen reader begins. */
export function Page({ title, tab = title, lead, actions, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${tab} · Keyturn`
  }, [tab])
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each page
  useEffect(() => heading.current?.focus({ preventScroll: true }), [])
  return (
    <Stack gap="lg">
      <Group justify="space-between" align="flex-start" gap="sm">
        <div style={{ flex: '1 1 16rem', minWidth: 0 }}>
          <Title order={1} ref={heading} tabIndex={-1}>
            {title}
          </Title>
          {lead !== undefined && (
            <Text component="div" className="soft" size="sm" mt={4}>
              {lead}
            </Text>
          )}
        </div>
        {actions !== undefined && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  )
}

interface SectionProps {
  readonly title: string
  readonly lead?: ReactNode
  readonly actions?: ReactNode
  readonly children?: ReactNode
  /** The content has lines of its own up to the edge. */
  readonly flush?: boolean
}

export function Section({ title, lead, actions, children, flush = false }: SectionProps) {
  return (
    <section className="card" aria-label={title}>
      <Group justify="space-between" align="flex-start" gap="sm" px="md" pt="md" pb={flush ? 'sm' : 0}>
        <div style={{ flex: '1 1 12rem', minWidth: 0 }}>
          <Title order={2}>{title}</Title>
          {lead !== undefined && (
            <Text component="div" size="sm" className="soft" mt={2}>
              {lead}
            </Text>
          )}
        </div>
        {actions !== undefined && <Group gap="xs">{actions}</Group>}
      </Group>
      {flush ? (
        <div style={{ borderTop: '1px solid var(--keyturn-line)' }}>{children}</div>
      ) : (
        <Stack gap="sm" p="md">
          {children}
        </Stack>
      )}
    </section>
  )
}

/** Where a list has nothing: what belongs there and how it gets there, or that nothing matches. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <Stack gap={4} align="center" ta="center" py="xl" px="md">
      <Text fw={600}>{title}</Text>
      <Text component="div" size="sm" className="soft" maw="34rem">
        {children}
      </Text>
    </Stack>
  )
}
