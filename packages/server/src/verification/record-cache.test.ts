import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { VerifyRecord } from './decide.ts'
import { PackedRecords } from './packed-records.ts'
import { RecordCache, type Remembered } from './record-cache.ts'

const digests = ['a', 'b', 'c', 'd', 'e', 'f'].map((letter) => letter.repeat(32))
const organizationOf = (project: string) => (project < 'p3' ? 'o1' : 'o2')
const recordOf = (digest: string, project: string, version: number): VerifyRecord => ({
  secretId: `sec_${digest}`,
  slot: 'primary',
  primaryFrom: Number.POSITIVE_INFINITY,
  warnBefore: 0,
  end: Number.POSITIVE_INFINITY,
  endCode: 'EXPIRED',
  keyId: `key_${digest}`,
  kind: 'secret',
  environment: 'live',
  name: `version ${version}`,
  owner: null,
  scopes: [],
  allowedIps: [],
  metadata: {},
  limits: null,
  state: 'active',
  management: null,
  project: {
    organizationId: organizationOf(project),
    projectId: project,
    projectSlug: project,
    apiAccess: true,
    stale: false,
  },
})

const digest = fc.constantFrom(...digests)
const project = fc.constantFrom('p1', 'p2', 'p3')
const action = fc.oneof(
  fc.record({ do: fc.constant('remember' as const), digest, project, version: fc.nat(9) }),
  fc.record({ do: fc.constant('miss' as const), digest }),
  fc.record({ do: fc.constant('root' as const), digest }),
  fc.record({ do: fc.constant('drop' as const), digests: fc.array(digest, { maxLength: 3 }) }),
  fc.record({ do: fc.constant('project' as const), project }),
  fc.record({ do: fc.constant('organization' as const), organization: fc.constantFrom('o1', 'o2') }),
  fc.record({ do: fc.constant('empty' as const) }),
)

describe('the cache of records', () => {
  it('has what was remembered last, unless a change was about it: compared with a plain map', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const cache = new RecordCache(100, 100)
        // Each digest belongs to one project at a time, whose switch is of the time it was read.
        const model = new Map<string, { what: Remembered; project: string | null }>()
        const forget = (about: (project: string) => boolean) => {
          for (const [key, { project: of }] of model) if (of !== null && about(of)) model.delete(key)
        }
        for (const one of actions) {
          if (one.do === 'remember') {
            const record = recordOf(one.digest, one.project, one.version)
            cache.remember(one.digest, record)
            model.set(one.digest, { what: record, project: one.project })
          } else if (one.do === 'miss' || one.do === 'root') {
            cache.remember(one.digest, one.do)
            // There is one root key; whoever replaces it empties the cache.
            for (const [key, { what }] of model) if (one.do === 'root' && what === 'root') model.delete(key)
            model.set(one.digest, { what: one.do, project: null })
          } else if (one.do === 'drop') {
            cache.dropDigests(one.digests)
            for (const each of one.digests) model.delete(each)
          } else if (one.do === 'project') {
            cache.dropProject(one.project)
            forget((of) => of === one.project)
          } else if (one.do === 'organization') {
            cache.dropOrganization(one.organization)
            forget((of) => organizationOf(of) === one.organization)
          } else {
            const { generation } = cache
            cache.empty()
            expect(cache.generation).toBeGreaterThan(generation)
            model.clear()
          }
          for (const each of digests) expect(cache.get(each)).toEqual(model.get(each)?.what)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('has a secret in the slot that it came into, in place of what was before, and only where that is remembered', () => {
    const [at = ''] = digests
    for (const most of [0, 100]) {
      const cache = new RecordCache(most, most)
      const staged: VerifyRecord = { ...recordOf(at, 'p1', 1), slot: 'secondary', primaryFrom: 5 }
      cache.remember(at, staged)
      const known = cache.get(at) ?? staged
      expect(known).toEqual(staged)
      const primary = { ...staged, slot: 'primary', primaryFrom: Number.POSITIVE_INFINITY }
      expect(cache.asPrimary(at, known as VerifyRecord)).toEqual(primary)
      expect(cache.get(at)).toEqual(most === 0 ? undefined : primary)
      // Dropped meanwhile: what was read before must not come back.
      cache.dropDigests([at])
      expect(cache.asPrimary(at, staged)).toEqual(primary)
      expect(cache.get(at)).toBeUndefined()
    }
  })

  it('knows when a secret comes into the other slot, also of those that are packed', () => {
    const packed = new PackedRecords(10)
    for (const [version, each] of digests.entries())
      packed.add(each, {
        ...recordOf(each, 'p1', version),
        slot: 'secondary',
        primaryFrom: version === 0 ? Infinity : version,
      })
    packed.delete(digests[3] ?? '')
    packed.add('g'.repeat(32), recordOf('g', 'p1', 9))
    const known = [...digests, 'g'.repeat(32)].map((each) => packed.get(each)?.primaryFrom)
    expect(known).toEqual([Infinity, 1, 2, undefined, 4, 5, Infinity])
  })

  it('keeps no more than it may, nothing where that is nothing, and lets go of the oldest', () => {
    for (const most of [0, 1, 3]) {
      const cache = new RecordCache(most, most)
      for (let index = 0; index < 10; index++) {
        cache.remember(`record ${index}`.padEnd(32), recordOf('x', 'p1', index))
        cache.remember(`miss ${index}`, 'miss')
        cache.remember(`miss ${index}`, 'miss')
      }
      expect(cache.size.records).toBe(most)
      expect(cache.size.misses).toBeLessThanOrEqual(most)
      if (most > 0) expect([cache.get('miss 9'), cache.get('miss 0')]).toEqual(['miss', undefined])
    }
  })
})
