#!/usr/bin/env node
// Stands in for curl, with the options that our documents use, on a machine that has none: readme.test.ts puts it last in PATH.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    silent: { type: 'boolean', short: 's' },
    'show-error': { type: 'boolean', short: 'S' },
    request: { type: 'string', short: 'X' },
    header: { type: 'string', short: 'H', multiple: true, default: [] },
    data: { type: 'string', short: 'd' },
    'upload-file': { type: 'string', short: 'T' },
    'data-binary': { type: 'string' },
  },
})
const headers = new Headers()
for (const header of values.header) {
  const colon = header.indexOf(':')
  headers.append(header.slice(0, colon), header.slice(colon + 1).trim())
}
const data = values.data ?? values['data-binary']
const file = values['upload-file'] ?? (data?.startsWith('@') ? data.slice(1) : undefined)
const body = file === undefined ? data : readFileSync(file)
for (const url of positionals) {
  const method = values.request ?? (body === undefined ? 'GET' : 'POST')
  const response = await fetch(url, { method, headers, ...(body !== undefined && { body }) })
  process.stdout.write(new Uint8Array(await response.arrayBuffer()))
}
