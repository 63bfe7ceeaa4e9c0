/** What stands behind `?`, as text and nothing else: a search for `123` is no number. */
export const parseSearch = (search: string): Record<string, string> => Object.fromEntries(new URLSearchParams(search))

export function stringifySearch(search: Record<string, unknown>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(search))
    if (typeof value === 'string' && value !== '') query.set(name, value)
  return query.size === 0 ? '' : `?${query.toString()}`
}

/** Of a search, the texts that a page knows. */
export function pick<const N extends string>(
  names: readonly N[],
): (search: Record<string, unknown>) => { [K in N]?: string } {
  return (search) => {
    const known: { [K in N]?: string } = {}
    for (const name of names) {
      const value = search[name]
      if (typeof value === 'string' && value !== '') known[name] = value
    }
    return known
  }
}
