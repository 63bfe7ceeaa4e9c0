import { html } from 'hono/html'
import type { OpenedReminder } from '../../notifications/open-reminder.ts'
import { timeWords } from '../../notifications/time-words.ts'
import type { Html } from '../page-document.ts'

export const nameOf = ({ of }: OpenedReminder): string => (of.view === null ? of.credential.name : of.view.key.name)

/** Which key it is, whose, and whether it is called. */
export function factsOf({ of, organization, project, now }: OpenedReminder): Html {
  const { owner, id } = of.view === null ? of.credential : of.view.key
  const words = timeWords('UTC', now)
  const used = of.secret?.lastUsedAt ?? null
  return html`<dl>
<div><dt>${of.view === null ? 'Credential' : 'Key'}</dt><dd>${id}${of.secret === null ? '' : html`, secret ${of.secret.hint}`}</dd></div>
${of.credential?.issuer ? html`<div><dt>Issued by</dt><dd><bdi>${of.credential.issuer}</bdi></dd></div>` : ''}
<div><dt>Where</dt><dd><bdi>${organization.name}</bdi>${project === null ? '' : html`, <bdi>${project.name}</bdi>`}${of.view?.key.environment === 'test' ? ' (test environment)' : ''}</dd></div>
<div><dt>Owner</dt><dd>${owner === null ? 'Nobody' : html`<bdi>${owner}</bdi>`}</dd></div>
${of.view === null ? '' : html`<div><dt>Last called</dt><dd>${used === null ? 'Never' : words.distance(used)}</dd></div>`}
</dl>`
}
