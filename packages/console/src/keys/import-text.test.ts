import { describe, expect, it } from 'vitest'
import { formOf } from './import-text.ts'

describe('a pasted import', () => {
  it('is JSON where it begins with a bracket, whatever white space is before it, and CSV otherwise', () => {
    expect(formOf('name,value\nZapier,acme_1')).toEqual({ format: 'csv' })
    expect(formOf('\uFEFFname,value\nZapier,acme_1')).toEqual({ format: 'csv' })
    expect(formOf('"name","value"')).toEqual({ format: 'csv' })
    expect(formOf('\n [{"name": "Zapier"}]')).toEqual({
      format: 'json',
      keys: [{ name: 'Zapier' }],
      project: undefined,
    })
    expect(formOf('\uFEFF{"project": "a", "keys": []}')).toEqual({ format: 'json', keys: [], project: 'a' })
  })

  it.each(['[', '{"keys": [', '{}', '{"keys": {}}', '{"keys": "a"}', '[1,]'])(
    'that is no list is said to be none: %s',
    (text) => {
      expect(formOf(text)).toEqual({ fault: expect.stringMatching(/^(This is no JSON|Write a list of keys)/) })
    },
  )
})
