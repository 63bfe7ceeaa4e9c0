import { MissingRight, useMay } from '../app/me.tsx'
import { IconPlus } from '../ui/icons.tsx'
import { ButtonLink } from '../ui/link.tsx'

export function NewKeyButton({ org }: { readonly org: string }) {
  const may = useMay()
  if (!may('keys:create')) return <MissingRight action="keys:create" doing="Creating keys" />
  return (
    <ButtonLink to="/$org/keys" params={{ org }} search={{ new: 'key' }} leftSection={<IconPlus size={16} />}>
      New key
    </ButtonLink>
  )
}
