import type { Key, Target } from '@keyturn/contract'

/** A key as what an action is done to. */
export const targetOf = (key: Pick<Key, 'project_id' | 'owner' | 'management'>): Target => ({
  projectId: key.project_id,
  owner: key.owner,
  management: key.management !== null,
})
