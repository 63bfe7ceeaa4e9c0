import { describe, expect, it } from 'vitest'
import { pageOf, settingsUrlFor } from './console-links.ts'

const publicUrl = 'https://keys.example.com'

describe('links to the console', () => {
  it('lead an administrator to what is mailed to whom, and whoever may not see it nowhere', () => {
    const audience = { administrators: ['ada@example.com'] }
    const urlFor = (recipient: string) => settingsUrlFor(publicUrl, { slug: 'globex' }, audience, recipient)
    expect(urlFor('ada@example.com')).toBe('https://keys.example.com/console/globex/settings/reminders')
    expect(urlFor('holder@outside.example')).toBeNull()
  })

  it('lead from a key to its page, and from a credential of another vendor to the list that has it', () => {
    expect(pageOf(publicUrl, 'org_1', { type: 'key', id: 'key_1' })).toBe(
      'https://keys.example.com/console/org_1/keys/key_1',
    )
    expect(pageOf(publicUrl, 'org_1', { type: 'tracked_credential', id: 'trc_1' })).toBe(
      'https://keys.example.com/console/org_1/expirations',
    )
  })
})
