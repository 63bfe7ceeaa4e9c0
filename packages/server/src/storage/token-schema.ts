import type { Actor } from '@keyturn/contract'
import type { Instant } from '../kernel/instant.ts'
import type { Json } from './json-column.ts'

/** What keys of kind `jwt` need beside their secrets. */
export interface TokenSchema {
  signing_keys: SigningKeysTable
  status_lists: { id: string; number: number; created_at: Instant }
  tokens: TokensTable
}

interface SigningKeysTable {
  id: string
  /** In the order in which they were made, from 1. */
  number: number
  public_key: Uint8Array
  /** Under a key derived from the master key. */
  sealed_private_key: Uint8Array
  created_at: Instant
  created_by: Json<Actor>
  signs_from: Instant
  withdrawn_at: Instant | null
}

interface TokensTable {
  secret_id: string
  signing_key_id: string
  status_list_id: string
  status_index: number
  expires_at: Instant
}
