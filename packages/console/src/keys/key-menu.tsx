import type { ActionName, Key } from '@keyturn/contract'
import { ActionIcon, Menu } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useNavigate } from '@tanstack/react-router'
import { api } from '../api/api.ts'
import { useChange } from '../api/use-change.ts'
import { useMay, useMissingRight, useOrg } from '../app/me.tsx'
import { IconDots } from '../ui/icons.tsx'
import { sayProblem } from '../ui/say-problem.ts'
import { endInToken, isExtensible } from './extensible.ts'
import { learnOffline } from './offline-note.tsx'
import { targetOf } from './target.ts'

export type KeyAct = 'edit' | 'extend' | 'revoke' | 'delete'

interface KeyMenuProps {
  readonly of: Key
  readonly onAct: (act: KeyAct) => void
  /** On the page of the key itself, what leads there is left out. */
  readonly onPage?: boolean
}

/** What can be done with a key, by whoever may; for others, in its place, which role it wants. */
export function KeyMenu({ of: key, onAct, onPage = false }: KeyMenuProps) {
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon
          variant={onPage ? 'default' : 'subtle'}
          color="gray"
          size={onPage ? 36 : 'md'}
          aria-label={`More with ${key.name}`}
        >
          <IconDots />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Items of={key} onAct={onAct} onPage={onPage} />
      </Menu.Dropdown>
    </Menu>
  )
}

const Note = ({ children }: { readonly children: string }) => (
  <Menu.Label style={{ whiteSpace: 'normal', maxWidth: '16rem' }}>{children}</Menu.Label>
)

/** Made when the menu is opened: a list has many menus, and one is open. */
function Items({ of: key, onAct, onPage }: Required<KeyMenuProps>) {
  const org = useOrg()
  const may = useMay()
  const missing = useMissingRight()
  const navigate = useNavigate()
  const path = { key: key.id }
  const disable = useChange(() => api.call('POST /v1/keys/{key}/disable', { path }), {
    done: () => {
      if (key.kind === 'jwt') notifications.show({ message: `${key.name} is disabled. ${learnOffline}` })
    },
    failed: sayProblem,
  })
  const enable = useChange(() => api.call('POST /v1/keys/{key}/enable', { path }), { failed: sayProblem })
  const review = useChange(() => api.call('POST /v1/keys/{key}/review', { path }), { failed: sayProblem })
  const target = targetOf(key)
  const isOver = key.status === 'revoked'
  const item = (action: ActionName, doing: string, label: string, run: () => void, danger = false) =>
    may(action, target) ? (
      <Menu.Item onClick={run} {...(danger && { color: 'var(--mantine-color-error)' })}>
        {label}
      </Menu.Item>
    ) : (
      <Note>{missing(action, doing)}</Note>
    )
  const mayChange = may('keys:change', target)
  return (
    <>
      {!onPage && (
        <Menu.Item onClick={() => void navigate({ to: '/$org/keys/$key', params: { org, key: key.id } })}>
          Open
        </Menu.Item>
      )}
      {!isOver && item('keys:edit', 'Editing', 'Edit', () => onAct('edit'))}
      {!isOver && !key.legacy && mayChange && isExtensible(key) && (
        <Menu.Item onClick={() => onAct('extend')}>Extend</Menu.Item>
      )}
      {!isOver && mayChange && !isExtensible(key) && <Note>{endInToken}</Note>}
      {!isOver && !key.legacy && mayChange && key.status !== 'disabled' && (
        <>
          <Menu.Item onClick={() => disable.run(undefined)}>Disable</Menu.Item>
          {key.kind === 'jwt' && <Note>{learnOffline}</Note>}
        </>
      )}
      {key.status === 'disabled' && mayChange && <Menu.Item onClick={() => enable.run(undefined)}>Enable</Menu.Item>}
      {!isOver && mayChange && <Menu.Item onClick={() => review.run(undefined)}>Mark reviewed</Menu.Item>}
      {may('keys:create', { projectId: key.project_id }) && key.management === null && (
        <Menu.Item
          onClick={() => void navigate({ to: '/$org/keys', params: { org }, search: { new: 'key', like: key.id } })}
        >
          Create similar
        </Menu.Item>
      )}
      <Menu.Divider />
      {!key.legacy &&
        !isOver &&
        item('keys:change', 'Extending, disabling and revoking', 'Revoke…', () => onAct('revoke'), true)}
      {!key.legacy && item('keys:delete', 'Deleting', 'Delete…', () => onAct('delete'), true)}
      {key.legacy && <Note>A legacy key can be rotated, never disabled, revoked or deleted.</Note>}
    </>
  )
}
