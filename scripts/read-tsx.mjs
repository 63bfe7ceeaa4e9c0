// dependency-cruiser reads TypeScript through swc, but without JSX; of files that have it, this says so to swc.
import swc from '@swc/core'

const { parseFileSync } = swc
Object.assign(swc, {
  parseFileSync: (/** @type {string} */ file, /** @type {object} */ options) =>
    parseFileSync(file, { syntax: 'typescript', ...options, tsx: file.endsWith('.tsx') }),
})
