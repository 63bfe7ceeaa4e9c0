/**
 * The last line of defence before a log line or an error leaves the process: whatever looks like one of our secrets is cut
 * down to its prefix. Nothing should get this far; a stack of a library that quotes its input could.
 */
export function redact(text: string): string {
  return text
    .replace(/\b([a-z0-9]{1,16}_(?:(?:pub_)?(?:live|test)|root|claim)_)[0-9A-Za-z]{16,}/g, '$1[secret]')
    .replace(/\beyJ[\w-]{6,}\.[\w-]{8,}(?:\.[\w-]*)?/g, 'eyJ[secret]')
    .replace(/\b(whsec_)[0-9A-Za-z+/=]{16,}/g, '$1[secret]')
    .replace(/(\/reminders\/)[\w-]{40,}/g, '$1[token]')
    .replace(/\b(Bearer\s+)[^\s"',}\]]{8,}/gi, '$1[secret]')
    .replace(/(postgres(?:ql)?:\/\/[^:/@\s]*:)[^@\s]+@/gi, '$1[secret]@')
}
