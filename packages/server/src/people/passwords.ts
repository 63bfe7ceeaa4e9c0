/**
 * What a new password has to be, by NIST SP 800-63B-4, section 3.1.1.2: at least 15 characters, since it may be the only factor; up
 * to 256 (at least 64 are to be allowed); any characters, and no rules of composition; none that is commonly used, expected, or made
 * of what the service or its person is called. The list is here, as nothing leaves this machine to ask for a longer one.
 */
export const leastCharacters = 15
export const mostCharacters = 256

/** So many characters have to be left when everything that is easy to guess is taken out. */
const leastUnexpected = 8

const common =
  `password passwort motdepasse contrasena parola letmein welcome iloveyou admin administrator root login master
secret changeme default guest qwertyuiop qwerty azerty qwertz asdfghjkl asdfgh zxcvbnm 1q2w3e4r 1qaz2wsx qazwsx abc123 abcdefghijklmnopqrstuvwxyz
abcdefgh abcdef 12345678901234567890 1234567890 0987654321 123456789 12345678 1234567 123456 12345 1234 654321 111111 000000 monkey dragon sunshine
princess football baseball superman batman trustno1 whatever shadow michael jordan jennifer charlie hunter computer internet
samsung google facebook starwars pokemon liverpool chelsea arsenal january february march april june july august september
october november december monday tuesday wednesday thursday friday saturday sunday spring summer autumn winter company test
correcthorsebatterystaple keyturn apikey apikeys`
    .split(/\s+/)
    .toSorted((a, b) => b.length - a.length)

/**
 * Why this may not be somebody's password; null: it may.
 *
 * @param context what it must not be made of: the person's name and address, the organization
 */
export function refusePassword(password: string, context: readonly string[] = []): string | null {
  const characters = [...password.normalize('NFKC')].length
  if (characters < leastCharacters) {
    return `It has ${characters} characters; take at least ${leastCharacters}, as four or five words.`
  }
  if (characters > mostCharacters) return `It has ${characters} characters; at most ${mostCharacters} are taken.`
  const words = context
    .flatMap((text) => [text, ...text.split(/[^\p{L}\p{N}]+/u)])
    .map(plain)
    .filter((word) => word.length >= 4)
  const left = [...words, ...common].reduce((rest, word) => rest.replaceAll(word, ''), plain(password))
  if (unrepeated(left).length < leastUnexpected) {
    return 'It is made of what everybody tries first: common words, names, repetitions. Take several words that nobody would guess.'
  }
  return null
}

/** As guessers see it: without case, spaces, accents, and with the usual figures for letters undone where that makes a word. */
function plain(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[\s._\-!@#$%^&*()+=,;:'"?/\\|<>[\]{}~`]/g, (mark) => (mark === '@' ? 'a' : mark === '$' ? 's' : ''))
}

/** `abcabcabc` is as good as `abc`, `aaaa` as `a`. */
function unrepeated(text: string): string {
  return text.replace(/(.{1,8}?)\1+/gu, '$1')
}
