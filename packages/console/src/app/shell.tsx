import {
  ActionIcon,
  AppShell,
  Burger,
  Group,
  Menu,
  NavLink,
  type NavLinkProps,
  Text,
  UnstyledButton,
  useMantineColorScheme,
} from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { createLink, Outlet, useRouterState } from '@tanstack/react-router'
import { type ReactNode, type Ref, useEffect } from 'react'
import { plainApi } from '../api/api.ts'
import {
  IconCalendar,
  IconHome,
  IconKey,
  IconList,
  IconMark,
  IconMoon,
  IconPeople,
  IconSearch,
  IconSettings,
  IconSun,
} from '../ui/icons.tsx'
import { Away } from './away.tsx'
import { type Me, type Membership, useMay } from './me.tsx'

type ItemProps = NavLinkProps & { readonly ref?: Ref<HTMLAnchorElement> }
const Item = createLink((props: ItemProps) => <NavLink component="a" {...props} />)

interface ShellProps {
  readonly me: Me
  readonly membership: Membership
}

/** What is around every page: whose keys these are, where one can go, who one is. */
export function Shell({ me, membership }: ShellProps) {
  const [opened, { toggle, close }] = useDisclosure()
  const { pathname } = useRouterState({ select: (state) => state.location })
  // biome-ignore lint/correctness/useExhaustiveDependencies: wherever one goes, the menu is out of the way
  useEffect(close, [pathname])
  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 216, breakpoint: 'sm', collapsed: { mobile: !opened } }}
      padding={{ base: 'sm', sm: 'lg' }}
      transitionDuration={0}
    >
      <a href="#page" className="skip">
        To the page
      </a>
      <AppShell.Header style={{ background: 'var(--keyturn-card)', borderColor: 'var(--keyturn-line)' }}>
        <Group h="100%" px="sm" gap="sm" wrap="nowrap" justify="space-between">
          <Group gap="xs" wrap="nowrap" style={{ minWidth: 0 }}>
            <Burger
              opened={opened}
              onClick={toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label="Menu"
              aria-expanded={opened}
            />
            <span style={{ color: 'var(--mantine-color-anchor)', display: 'flex' }}>
              <IconMark size={22} />
            </span>
            <OrganizationName me={me} membership={membership} />
          </Group>
          <Group gap={4} wrap="nowrap">
            <ColorScheme />
            <PersonMenu me={me} membership={membership} />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" style={{ background: 'var(--keyturn-card)', borderColor: 'var(--keyturn-line)' }}>
        <Navigation org={membership.organization.slug} />
      </AppShell.Navbar>
      <AppShell.Main id="page" style={{ minWidth: 0 }}>
        <div style={{ maxWidth: '84rem', margin: '0 auto' }}>
          <Away />
          <Outlet />
        </div>
      </AppShell.Main>
    </AppShell>
  )
}

function OrganizationName({ me, membership }: ShellProps) {
  const { name } = membership.organization
  const others = me.memberships.filter((one) => one !== membership)
  const shown = (
    <Text fw={650} truncate data-testid="organization">
      {name}
    </Text>
  )
  if (others.length === 0) return shown
  return (
    <Menu position="bottom-start">
      <Menu.Target>
        <UnstyledButton aria-label={`${name}: change the organization`} style={{ minWidth: 0 }}>
          <Group gap={4} wrap="nowrap">
            {shown}
            <span aria-hidden="true">▾</span>
          </Group>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {others.map(({ organization }) => (
          <Menu.Item key={organization.id} component="a" href={`/console/${organization.slug}`}>
            {organization.name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}

function ColorScheme() {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const system = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
  const isDark = (colorScheme === 'auto' ? system : colorScheme) === 'dark'
  const other = isDark ? 'light' : 'dark'
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size="lg"
      onClick={() => setColorScheme(other)}
      aria-label={`Show it ${other}`}
    >
      {isDark ? <IconSun /> : <IconMoon />}
    </ActionIcon>
  )
}

function PersonMenu({ me, membership }: ShellProps) {
  async function signOut() {
    await plainApi.call('POST /v1/sign-out')
    location.assign('/sign-in')
  }
  const initials = me.name
    .split(/\s+/)
    .slice(0, 2)
    .map((part) => part.slice(0, 1).toUpperCase())
    .join('')
  return (
    <Menu position="bottom-end" width={260}>
      <Menu.Target>
        <ActionIcon variant="default" radius="xl" size="lg" aria-label={`${me.name}: account`}>
          <Text size="xs" fw={600} component="span">
            {initials}
          </Text>
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {me.name}
          <br />
          {me.email}
        </Menu.Label>
        <Menu.Item component="a" href={`/console/${membership.organization.slug}/account`}>
          Your account
        </Menu.Item>
        <Menu.Item component="a" href="/docs">
          The API
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item onClick={() => void signOut()}>Sign out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}

function Navigation({ org }: { readonly org: string }) {
  const may = useMay()
  return (
    <nav aria-label="Pages">
      <Item
        to="/$org"
        params={{ org }}
        search={{ all: 'yes' }}
        activeOptions={{ exact: true, includeSearch: false }}
        {...look('Overview', <IconHome />)}
      />
      <Item to="/$org/keys" params={{ org }} {...look('Keys', <IconKey />)} />
      <Item to="/$org/expirations" params={{ org }} {...look('Expirations', <IconCalendar />)} />
      <Item to="/$org/check" params={{ org }} {...look('Check a key', <IconSearch />)} />
      {may('audit:read') && <Item to="/$org/audit" params={{ org }} {...look('Audit log', <IconList />)} />}
      {may('members:read') && <Item to="/$org/members" params={{ org }} {...look('Members', <IconPeople />)} />}
      <Item to="/$org/settings" params={{ org }} {...look('Settings', <IconSettings />)} />
    </nav>
  )
}

const look = (label: string, icon: ReactNode) => ({ label, leftSection: icon, activeProps: { active: true } })
