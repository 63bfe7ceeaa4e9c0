import type { Key } from '@keyturn/contract'
import { Textarea } from '@mantine/core'

export type Metadata = Key['metadata']

/** As it is shown to be edited: nothing where there is none. */
export const metadataText = (metadata: Metadata): string =>
  Object.keys(metadata).length === 0 ? '' : JSON.stringify(metadata, null, 2)

/** @returns a sentence where it is no JSON object */
export function readMetadata(text: string): { readonly value: Metadata } | { readonly fault: string } {
  if (text.trim() === '') return { value: {} }
  try {
    const value: unknown = JSON.parse(text)
    if (isObject(value)) return { value }
    return { fault: 'Write names and values in braces: {"tier": "gold"}' }
  } catch (error) {
    return { fault: `This is no JSON: ${error instanceof Error ? error.message : 'it cannot be read'}` }
  }
}

const isObject = (value: unknown): value is Metadata =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

interface MetadataFieldProps {
  readonly value: string
  readonly onChange: (text: string) => void
  /** What the API says of it. */
  readonly error: string | undefined
}

/** What a product wants to find at the key again, in each verdict. */
export function MetadataField({ value, onChange, error }: MetadataFieldProps) {
  const read = readMetadata(value)
  return (
    <Textarea
      label="Metadata"
      description='A JSON object that comes with each verdict: {"tier": "gold"}'
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      error={'fault' in read ? read.fault : error}
      spellCheck={false}
      autosize
      maxRows={12}
      styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: '0.85rem' } }}
    />
  )
}
