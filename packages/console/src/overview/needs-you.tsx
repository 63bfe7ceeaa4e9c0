import { Button, Group, Text, VisuallyHidden } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { queries } from '../api/queries.ts'
import { Extend } from '../keys/extend.tsx'
import { Empty, Section } from '../ui/page.tsx'
import { Reading } from '../ui/problem.tsx'
import { Status } from '../ui/status.tsx'
import { When } from '../ui/when.tsx'
import { keyOf, type Need } from './need.ts'
import { NeedActs, NeedName } from './need-acts.tsx'
import type { Needs } from './use-needs.ts'

interface NeedsYouProps {
  readonly org: string
  readonly needs: Needs
}

const shownAtFirst = 12

export function NeedsYou({ org, needs }: NeedsYouProps) {
  const [whole, setWhole] = useState(false)
  const [extending, setExtending] = useState<Need | null>(null)
  const projects = useQuery(queries.projects(org)).data ?? []
  return (
    <Section title="Needs you" lead="Worst first." flush>
      <Reading of={{ data: needs.list, error: needs.error, isPending: needs.list === undefined, refetch: () => {} }}>
        {(list) =>
          list.length === 0 ? (
            <Empty title="Nothing at the moment">
              What ends soon and is in use, what is called after its end, and what nobody would hear of comes up here.
            </Empty>
          ) : (
            <>
              <table className="rows">
                <thead>
                  <tr>
                    <th>What</th>
                    <th>Key</th>
                    <th>Owner</th>
                    <th>When</th>
                    <th>Last call</th>
                    <th>
                      <VisuallyHidden>Actions</VisuallyHidden>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {(whole ? list : list.slice(0, shownAtFirst)).map((need) => (
                    <tr key={need.id}>
                      <td style={{ maxWidth: '22rem' }}>
                        <Status tone={need.tone}>{need.what}</Status>
                        <Text size="xs" className="soft" lineClamp={3}>
                          {need.detail}
                        </Text>
                        {need.acknowledged && (
                          <Text size="xs" className="soft">
                            {need.acknowledged.by} has acknowledged it <When at={need.acknowledged.at} />.
                          </Text>
                        )}
                        {need.advice !== null && (
                          <Text size="xs" mt={2}>
                            {need.advice}
                          </Text>
                        )}
                      </td>
                      <td>
                        <NeedName org={org} of={need} />
                        <Text size="xs" className="soft">
                          {projects.find(({ id }) => id === need.projectId)?.name ??
                            (need.management ? 'Management keys' : '')}
                        </Text>
                      </td>
                      <td data-label="Owner">
                        <span className="clip" style={{ display: 'inline-block' }} title={need.owner ?? ''}>
                          {need.owner ?? (need.projectId === null ? '' : 'nobody')}
                        </span>
                      </td>
                      <td data-label="When" className="nowrap">
                        {need.at === null ? 'now' : <When at={need.at} />}
                      </td>
                      <td data-label="Last call" className="nowrap">
                        <When at={need.lastUsedAt} none={need.projectId === null ? '' : 'never'} />
                      </td>
                      <td className="act below">
                        <NeedActs org={org} of={need} onExtend={() => setExtending(need)} />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
              {list.length > shownAtFirst && !whole && (
                <Group p="sm" style={{ borderTop: '1px solid var(--keyturn-line)' }}>
                  <Button variant="default" size="compact-sm" onClick={() => setWhole(true)}>
                    All {list.length}
                  </Button>
                </Group>
              )}
            </>
          )
        }
      </Reading>
      {extending && keyOf(extending) !== null && (
        <Extend
          of={{
            id: keyOf(extending) ?? '',
            name: extending.name,
            project_id: extending.projectId ?? '',
            expires_at: extending.at,
          }}
          onClose={() => setExtending(null)}
        />
      )}
    </Section>
  )
}
