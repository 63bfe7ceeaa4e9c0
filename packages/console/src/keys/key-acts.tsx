import type { Key } from '@keyturn/contract'
import { Delete } from './delete.tsx'
import { Edit } from './edit.tsx'
import { Extend } from './extend.tsx'
import type { KeyAct } from './key-menu.tsx'
import { Revoke } from './revoke.tsx'

interface KeyActsProps {
  readonly act: { readonly what: KeyAct; readonly key: Key } | null
  readonly onClose: () => void
  readonly onDeleted?: () => void
}

/** The dialog that was asked for. */
export function KeyActs({ act, onClose, onDeleted = onClose }: KeyActsProps) {
  if (!act) return null
  const { key } = act
  switch (act.what) {
    case 'edit':
      return <Edit of={key} onClose={onClose} />
    case 'extend':
      return <Extend of={key} onClose={onClose} />
    case 'revoke':
      return <Revoke of={key} onClose={onClose} />
    case 'delete':
      return <Delete of={key} onClose={onClose} onDeleted={onDeleted} />
  }
}
