import { useOrg } from '../app/me.tsx'
import { Link } from '../ui/link.tsx'

const pages = [
  { to: '/$org/settings', label: 'General' },
  { to: '/$org/settings/reminders', label: 'Reminders and channels' },
  { to: '/$org/settings/outbox', label: 'Outbox' },
  { to: '/$org/settings/nodes', label: 'Nodes' },
] as const

/** The pages of the settings, on each of them. */
export function SettingsNav() {
  const org = useOrg()
  return (
    <nav className="tabs" aria-label="Settings">
      {pages.map(({ to, label }) => (
        <Link key={to} to={to} params={{ org }} activeOptions={{ exact: to === '/$org/settings' }} underline="never">
          {label}
        </Link>
      ))}
    </nav>
  )
}
