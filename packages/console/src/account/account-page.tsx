import { Button, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { api } from '../api/api.ts'
import { queries } from '../api/queries.ts'
import { useChange } from '../api/use-change.ts'
import { useHere } from '../app/me.tsx'
import { Page, Section } from '../ui/page.tsx'
import { Reading } from '../ui/problem.tsx'
import { sayProblem } from '../ui/say-problem.ts'
import { When } from '../ui/when.tsx'
import { roleWords } from '../words/words.ts'
import { ChangePassword } from './change-password.tsx'
import { TimeZone } from './time-zone.tsx'
import { TwoFactor } from './two-factor.tsx'

/** What somebody does about themselves. A session that a product gave can do none of it. */
export function AccountPage() {
  const { me, membership } = useHere()
  const isOwn = me.session.organization_id === null
  return (
    <Page title="Your account" lead={`${me.name}, ${me.email}`}>
      <Section title="Your role here">
        <Text size="sm">
          {membership.role === null
            ? 'On projects alone.'
            : `${roleWords[membership.role].name}: ${roleWords[membership.role].about.toLowerCase()}`}
        </Text>
      </Section>
      {isOwn ? (
        <>
          <TwoFactor me={me} />
          <ChangePassword />
        </>
      ) : (
        <Section title="Password and second factor">
          <Text size="sm">
            You came here through a product, which knows who you are. There is no password of yours here.
          </Text>
        </Section>
      )}
      <TimeZone me={me} />
      <Sessions />
    </Page>
  )
}

function Sessions() {
  const sessions = useQuery(queries.sessions())
  return (
    <Section title="Where you are signed in" flush>
      <Reading of={sessions}>
        {({ data }) => (
          <table className="rows">
            <tbody>
              {data.map((session) => (
                <tr key={session.id}>
                  <td>
                    <span title={session.user_agent ?? ''}>{deviceIn(session.user_agent)}</span>
                    <Text size="xs" className="soft">
                      {session.address ?? ''}
                    </Text>
                  </td>
                  <td className="nowrap">
                    signed in <When at={session.signed_in_at} />
                  </td>
                  <td className="act">
                    {session.current ? <span className="soft">this one</span> : <EndSession id={session.id} />}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Reading>
    </Section>
  )
}

/** "Firefox on Linux": what people know their devices by. */
function deviceIn(userAgent: string | null): string {
  if (userAgent === null) return 'Unknown device'
  const browser = /Edg\//.test(userAgent) ? 'Edge' : /(Firefox|Chrome|Safari)(?=\/)/.exec(userAgent)?.[1]
  const system = /Windows|Android|iPhone|iPad|Mac OS X|Linux/.exec(userAgent)?.[0].replace(' OS X', '')
  return [browser ?? userAgent.slice(0, 60), system].filter((one) => one !== undefined).join(' on ')
}

function EndSession({ id }: { readonly id: string }) {
  const end = useChange(() => api.call('DELETE /v1/me/sessions/{session}', { path: { session: id } }), {
    failed: sayProblem,
  })
  return (
    <Button variant="default" size="compact-sm" loading={end.pending} onClick={() => end.run(undefined)}>
      Sign out there
    </Button>
  )
}
