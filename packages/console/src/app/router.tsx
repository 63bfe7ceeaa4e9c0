import { useQuery } from '@tanstack/react-query'
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
  useParams,
} from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { queries } from '../api/queries.ts'
import { Empty, Page } from '../ui/page.tsx'
import { Reading } from '../ui/problem.tsx'
import { HereProvider } from './me.tsx'
import { parseSearch, pick, stringifySearch } from './search.ts'
import { Shell } from './shell.tsx'
import { SignInAgain } from './sign-in-again.tsx'

const root = createRootRoute({ component: Outlet, notFoundComponent: () => <Alone of={<NothingHere />} /> })

/** What has no menu around it. */
function Alone({ of: content }: { readonly of: ReactNode }) {
  return <main style={{ maxWidth: '48rem', margin: '0 auto', padding: '2rem 1rem' }}>{content}</main>
}

function NothingHere() {
  return (
    <Page title="There is no such page">
      <Empty title="The address leads nowhere">
        <a href="/console">To the overview</a>
      </Empty>
    </Page>
  )
}

/** Without an organization in the address: the first one that the reader belongs to. */
const start = createRoute({ getParentRoute: () => root, path: '/', component: Start })

function Start() {
  const me = useQuery(queries.me())
  return (
    <Reading of={me}>
      {({ memberships: [first] }) => {
        if (first) return <Elsewhere to={`/console/${first.organization.slug}`} />
        const nowhere = (
          <Page title="You belong to no organization">
            <Empty title="Nobody has invited you, or you have left">
              Ask an administrator of your organization for an invitation. <a href="/signed-in">Sign out</a>
            </Empty>
          </Page>
        )
        return <Alone of={nowhere} />
      }}
    </Reading>
  )
}

function Elsewhere({ to }: { readonly to: string }) {
  location.replace(to)
  return null
}

const organization = createRoute({
  getParentRoute: () => root,
  path: '$org',
  component: Organization,
  notFoundComponent: NothingHere,
})

function Organization() {
  const { org } = useParams({ from: '/$org' })
  const read = useQuery(queries.me())
  return (
    <Reading of={read}>
      {(me) => {
        const membership = me.memberships.find((one) => [one.organization.slug, one.organization.id].includes(org))
        if (!membership) return <Alone of={<NothingHere />} />
        return (
          <HereProvider value={{ me, membership }}>
            <SignInAgain me={me} />
            <Shell me={me} membership={membership} />
          </HereProvider>
        )
      }}
    </Reading>
  )
}

const below = { getParentRoute: () => organization }

const overview = createRoute({
  ...below,
  path: '/',
  validateSearch: pick(['all']),
  component: lazyRouteComponent(() => import('../overview/overview-page.tsx'), 'OverviewPage'),
})

export const keySearch = [
  'project',
  'status',
  'kind',
  'owner',
  'q',
  'expires_before',
  'unused_since',
  'refused_since',
  'sort',
  'cursor',
  'new',
  'like',
] as const
const keys = createRoute({
  ...below,
  path: '/keys',
  validateSearch: pick(keySearch),
  component: lazyRouteComponent(() => import('../keys/keys-page.tsx'), 'KeysPage'),
})
const key = createRoute({
  ...below,
  path: '/keys/$key',
  validateSearch: pick(['do']),
  component: lazyRouteComponent(() => import('../keys/key-page.tsx'), 'KeyPage'),
})
const expirations = createRoute({
  ...below,
  path: '/expirations',
  validateSearch: pick(['type', 'kind', 'status', 'owner', 'project', 'in_use', 'within', 'cursor']),
  component: lazyRouteComponent(() => import('../expirations/expirations-page.tsx'), 'ExpirationsPage'),
})
const check = createRoute({
  ...below,
  path: '/check',
  component: lazyRouteComponent(() => import('../check/check-page.tsx'), 'CheckPage'),
})
const audit = createRoute({
  ...below,
  path: '/audit',
  validateSearch: pick(['key', 'actor', 'action', 'since', 'until', 'cursor']),
  component: lazyRouteComponent(() => import('../audit/audit-page.tsx'), 'AuditPage'),
})
const members = createRoute({
  ...below,
  path: '/members',
  component: lazyRouteComponent(() => import('../members/members-page.tsx'), 'MembersPage'),
})
const member = createRoute({
  ...below,
  path: '/members/$member/leaving',
  component: lazyRouteComponent(() => import('../members/leaving-page.tsx'), 'LeavingPage'),
})
const settings = createRoute({
  ...below,
  path: '/settings',
  component: lazyRouteComponent(() => import('../settings/settings-page.tsx'), 'SettingsPage'),
})
const reminders = createRoute({
  ...below,
  path: '/settings/reminders',
  component: lazyRouteComponent(() => import('../channels/reminders-page.tsx'), 'RemindersPage'),
})
const channel = createRoute({
  ...below,
  path: '/settings/reminders/$channel',
  validateSearch: pick(['state', 'cursor']),
  component: lazyRouteComponent(() => import('../channels/channel-page.tsx'), 'ChannelPage'),
})
const outbox = createRoute({
  ...below,
  path: '/settings/outbox',
  validateSearch: pick(['state', 'cursor']),
  component: lazyRouteComponent(() => import('../outbox/outbox-page.tsx'), 'OutboxPage'),
})
const mail = createRoute({
  ...below,
  path: '/settings/outbox/$mail',
  component: lazyRouteComponent(() => import('../outbox/mail-page.tsx'), 'MailPage'),
})
const nodes = createRoute({
  ...below,
  path: '/settings/nodes',
  component: lazyRouteComponent(() => import('../nodes/nodes-page.tsx'), 'NodesPage'),
})
const project = createRoute({
  ...below,
  path: '/settings/projects/$project',
  component: lazyRouteComponent(() => import('../settings/project-page.tsx'), 'ProjectPage'),
})
const apiKeys = createRoute({
  ...below,
  path: '/settings/api-keys',
  beforeLoad: ({ params }) => {
    // oxlint-disable-next-line typescript/only-throw-error -- what the router is told a redirect by
    throw redirect({ to: '/$org/keys', params })
  },
})
const account = createRoute({
  ...below,
  path: '/account',
  component: lazyRouteComponent(() => import('../account/account-page.tsx'), 'AccountPage'),
})

export const router = createRouter({
  routeTree: root.addChildren([
    start,
    organization.addChildren([
      overview,
      keys,
      key,
      expirations,
      check,
      audit,
      members,
      member,
      settings,
      reminders,
      channel,
      outbox,
      mail,
      nodes,
      project,
      apiKeys,
      account,
    ]),
  ]),
  basepath: '/console',
  parseSearch,
  stringifySearch,
  defaultPreload: 'intent',
  scrollRestoration: true,
  trailingSlash: 'never',
})

/**
 * Every page, once the first one is shown: one that is opened while the server is away, or after it was replaced by a newer one, is there
 * already, and its calls say what is the matter.
 */
export async function fetchPages(): Promise<void> {
  for (const { options } of Object.values(router.routesById)) {
    const { component } = options
    if (component && 'preload' in component) await component.preload?.()?.catch(() => {})
  }
}

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
