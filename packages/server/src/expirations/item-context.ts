import { nameProjects } from '../organizations/find.ts'
import type { Reader } from '../storage/database.ts'
import { readLastCallers } from '../usage/read-calls.ts'
import type { ItemContext } from './digest.ts'
import type { Scene } from './scene.ts'

/** What mails say of keys besides. */
export async function readItemContext(
  reader: Reader,
  organizationId: string,
  scenes: readonly Scene[],
): Promise<Omit<ItemContext, 'linksOf'>> {
  const projectIds = [...new Set(scenes.flatMap(({ projectId }) => (projectId === null ? [] : [projectId])))]
  const secretIds = scenes.flatMap(({ of }) => (of.secret === null ? [] : [of.secret.id]))
  return {
    projectNames: await nameProjects(reader, organizationId, projectIds),
    addresses: await readLastCallers(reader, secretIds),
  }
}
