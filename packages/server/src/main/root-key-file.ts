import path from 'node:path'
import { randomBase62 } from '../kernel/random.ts'
import { SecretValue } from '../kernel/secret-value.ts'
import type { RootKeySource } from '../people/install.ts'
import { writePrivateFile } from './data-directory.ts'
import type { Settings } from './settings.ts'

export const rootKeyFile = (settings: Settings): string => path.join(settings.dataDir, 'root-key')

/** As set; else made, and kept in a file that only this user can read. */
export function rootKeySource(settings: Settings): RootKeySource {
  const set = settings.rootKey === null ? null : new SecretValue(settings.rootKey)
  return {
    set,
    make: () => {
      if (set) return { value: set, keep: () => {} }
      const value = new SecretValue(`${settings.keyPrefix}_root_${randomBase62(40)}`)
      return { value, keep: () => writePrivateFile(rootKeyFile(settings), value.reveal()) }
    },
  }
}
