/** Why somebody is told of a secret or a tracked credential. */
export const reminderReasons = ['expiry', 'overlap_end', 'rotation_due', 'used_after_end'] as const
export type ReminderReason = (typeof reminderReasons)[number]

/**
 *   planned ──► sent            a mail server has taken it
 *           ──► failed          it could not be sent, or there is nobody to tell
 *           ──► not_delivered   no mail server is set up
 *           ──► quieted         somebody has acknowledged it
 *           ──► obsolete        it was no longer so when it was to go
 */
export const reminderStates = ['planned', 'sent', 'failed', 'not_delivered', 'quieted', 'obsolete'] as const
export type ReminderState = (typeof reminderStates)[number]
