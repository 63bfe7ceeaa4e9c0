import type { ManagementScope } from '@keyturn/contract'
import { DomainError } from '../kernel/errors.ts'
import type { Call, Caller } from '../people/call.ts'
import { reachesProject, requireAtLeast, requireScope } from '../people/permissions.ts'
import type { Reader } from '../storage/database.ts'
import type { Key } from './key.ts'
import * as store from './key-store.ts'
import { type KeyView, viewKey } from './view-keys.ts'

/**
 * A key within the caller's reach. One of another organization, or of a project that the caller does not reach, is not there:
 * the error is the same (design, promise 7). A management key is for whoever reaches its whole organization.
 *
 * @throws DomainError insufficient_scope, key_not_found
 */
export async function findKeyInReach(call: Call, keyId: string, scope: ManagementScope): Promise<Key> {
  requireScope(call.caller, scope)
  const key = await store.findKey(call.reader, call.caller.organizationId, keyId)
  if (!key || !isInReach(call, key)) throw new DomainError('key_not_found')
  return key
}

/**
 * The same, for changing it: a management key wants `management:write` instead, and scopes and projects at least its own.
 *
 * @throws DomainError insufficient_scope, key_not_found, cannot_give_more_than_you_have
 */
export async function findKeyToChange(call: Call, keyId: string): Promise<Key> {
  // Before anything is looked up: who may change neither sort learns nothing about which one it is.
  if (call.caller.scopes !== 'all' && !call.caller.scopes.has('management:write'))
    requireScope(call.caller, 'keys:write')
  const key = await store.findKey(call.reader, call.caller.organizationId, keyId)
  if (!key || !isInReach(call, key)) throw new DomainError('key_not_found')
  requireToChange(call.caller, key)
  return key
}

/** @throws DomainError insufficient_scope, cannot_give_more_than_you_have */
export function requireToChange(caller: Caller, key: Pick<Key, 'management' | 'scopes'>): void {
  requireScope(caller, key.management ? 'management:write' : 'keys:write')
  if (key.management) requireAtLeast(caller, key.scopes, key.management.projects)
}

/** Where a key is, for asking whether somebody reaches it and may do something to it. */
export async function locateKey(reader: Reader, organizationIds: readonly string[], keyId: string) {
  const key = await store.findKey(reader, null, keyId)
  if (!key || !organizationIds.includes(key.organizationId)) return undefined
  const { organizationId, projectId, owner, management } = key
  return { organizationId, projectId: management ? null : projectId, owner, management: management !== null }
}

/** For what goes on record about a key, whoever causes it. */
export function findKeyOfRecord(reader: Reader, organizationId: string, keyId: string): Promise<Key | undefined> {
  return store.findKey(reader, organizationId, keyId)
}

/** The same for several, in one query; deleted ones too. */
export function findKeysOfRecord(reader: Reader, organizationId: string, keyIds: readonly string[]): Promise<Key[]> {
  return store.findKeysEverMade(reader, organizationId, keyIds)
}

/** @throws DomainError insufficient_scope, key_not_found */
export async function readKey(call: Call, keyId: string): Promise<KeyView> {
  const key = await findKeyInReach(call, keyId, 'keys:read')
  return viewKey(call.reader, key, await call.now(call.reader))
}

function isInReach({ caller }: Call, key: Key): boolean {
  if (key.management) return caller.projects === null
  return reachesProject(caller, key.organizationId, key.projectId)
}
