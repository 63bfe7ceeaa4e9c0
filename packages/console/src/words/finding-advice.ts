import type { FindingCode } from '@keyturn/contract'

/** What to do about each finding, here: what the API says of its calls, in words of these pages. */
export const findingAdvice = {
  ended_secret_called: 'Open the key: it shows from where. Hand its new secret over by a claim link.',
  nobody_would_be_told: 'Name an owner or a contact, or a mailbox of the team under Settings, Reminders and channels.',
  owner_gone: 'Name another owner, who is told of its end. The last one may know its value: rotate it.',
  many_networks:
    'Ask the owner whether all of them are theirs. If not, it has leaked: rotate it. Else allow only known addresses, or make a key for each.',
  never_expires: 'Rotate it, and give the new secret an end.',
  unused:
    'Ask the owner whether it is still needed. Disable it first, which can be undone; revoke it when nobody misses it.',
  never_used: 'Ask whoever made it whether it is needed at all, and revoke it if not.',
  review_due: 'Look at its owner, scopes and use, then acknowledge.',
  duplicate_name: 'Rename one of them, or revoke the one that is not needed.',
  vague_name: 'Rename it after who calls, and from where: Zapier, production.',
  legacy_key_called:
    'Make a publishable key for each browser or app and move them, so that each can be told apart and ended.',
} as const satisfies Record<FindingCode, string>

/** Where the API's own sentence has a time of another zone or the name of a field in it. */
export const findingDetail: Partial<Record<FindingCode, string>> = {
  ended_secret_called: 'A secret of it that has ended is still called.',
  nobody_would_be_told: 'It has no owner and no contact, and there is no mailbox of the team.',
}
