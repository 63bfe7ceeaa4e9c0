import type { Audience } from '../expirations/reminder-sending.ts'
import type { Organization } from '../organizations/organization.ts'

/**
 * Where a reader of a mail sees and changes who is mailed what. Null for who is no administrator: owners of keys may be outside, and a link
 * that ends at a sign-in which they do not have helps nobody.
 */
export const settingsUrlFor = (
  publicUrl: string,
  { slug }: Pick<Organization, 'slug'>,
  { administrators }: Pick<Audience, 'administrators'>,
  recipient: string,
): string | null =>
  administrators.includes(recipient) ? `${publicUrl}/console/${encodeURIComponent(slug)}/settings/reminders` : null

/** The page of the console about it: of a key its own, of a tracked credential the list that has it. */
export function pageOf(
  publicUrl: string,
  organizationId: string,
  { type, id }: { readonly type: string; readonly id: string },
): string {
  const home = `${publicUrl}/console/${organizationId}`
  return type === 'key' ? `${home}/keys/${id}` : `${home}/expirations`
}
