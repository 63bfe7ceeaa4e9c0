/** An address, as people write it: the name before the @ is what they look for. */
export function Owner({ address, none = 'nobody' }: { readonly address: string | null; readonly none?: string }) {
  if (address === null) return <span className="soft">{none}</span>
  return <span title={address}>{address}</span>
}
