import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { engines } from '../../test/support/engines.ts'
import { type Keyturn, openKeyturn } from '../../test/support/keyturn.ts'
import { MasterKey } from '../kernel/master-key.ts'
import { randomOctets } from '../kernel/random.ts'
import { linkOf, signHead } from './chain.ts'
import { signHeads } from './sign-heads.ts'
import { verifyChain } from './verify-chain.ts'

const signingKey = new MasterKey(randomOctets(32)).auditSigningKey()
const foreignKey = new MasterKey(randomOctets(32)).auditSigningKey()

describe.each(engines)('the chain of audit events, on $name', (engine) => {
  let keyturn: Keyturn
  let org: string
  let chain: { sequence: number; hash: Uint8Array; body: string }[]

  beforeAll(async () => {
    keyturn = await openKeyturn(engine)
  })
  afterAll(() => keyturn.stop())

  beforeEach(async () => {
    org = (await keyturn.createOrganization()).id
    const project = await keyturn.createProject(org)
    const { key } = await keyturn.createKey(project.id, { name: 'Prüfung 🔑' })
    await keyturn.request('POST', `/v1/keys/${key.id}/disable`)
    await keyturn.request('POST', `/v1/keys/${key.id}/revoke`, { body: { reason: 'it leaked' } })
    chain = await read()
    expect(chain).toHaveLength(6)
  })
  // Signatures of one test must not stand over the chain of another.
  afterEach(() => run(sql`delete from audit_signatures`))

  const run = (statement: ReturnType<typeof sql>) => statement.execute(keyturn.database.reader)
  const verify = () => verifyChain(keyturn.database.reader, org, signingKey)
  const sign = () => signHeads(keyturn.database, signingKey, 1)
  async function read() {
    return keyturn.database.reader
      .selectFrom('audit_events')
      .select(['sequence', 'hash', 'body'])
      .where('chain', '=', org)
      .orderBy('sequence')
      .execute()
  }
  async function write(events: typeof chain, head: { sequence: number; hash: Uint8Array } | null = null) {
    await keyturn.database.transaction(async (tx) => {
      await sql`delete from audit_events where chain = ${org}`.execute(tx)
      for (const { sequence, hash, body } of events)
        await sql`insert into audit_events (chain, sequence, hash, body) values (${org}, ${sequence}, ${hash}, ${body})`.execute(
          tx,
        )
      if (head)
        await sql`update audit_heads set sequence = ${head.sequence}, hash = ${head.hash} where chain = ${org}`.execute(
          tx,
        )
    })
  }
  /** As somebody would who can write to the database and knows the rule. */
  function recomputed(bodies: readonly string[]): typeof chain {
    let hash: Uint8Array = new Uint8Array(32)
    return bodies.map((body, at) => {
      hash = linkOf(hash, at + 1, body)
      return { sequence: at + 1, hash, body }
    })
  }
  const edited = (body: string) => body.replace('"Root key"', '"Somebody else"')
  const headOf = (events: typeof chain) => events.at(-1) ?? { sequence: 0, hash: new Uint8Array(32) }

  it('is intact as it was recorded, and what is not signed yet is said', async () => {
    expect(await verify()).toMatchObject({ intact: true, events: 6, unsigned: 6, signed_through: 0, fault: null })
    await sign()
    expect(await verify()).toMatchObject({ intact: true, events: 6, unsigned: 0, signed_through: 6, fault: null })
    await keyturn.createProject(org)
    expect(await verify()).toMatchObject({ intact: true, events: 8, unsigned: 2, signed_through: 6, fault: null })
  })

  it('is what the API says it is', async () => {
    const { body } = await keyturn.request('GET', `/v1/organizations/${org}/audit-events/verification`)
    expect(body).toMatchObject({ intact: true, events: 6, head: { sequence: 6 } })
    await write(chain.map((event) => (event.sequence === 3 ? { ...event, body: edited(event.body) } : event)))
    const { body: after } = await keyturn.request('GET', `/v1/organizations/${org}/audit-events/verification`)
    expect(after).toMatchObject({ intact: false, fault: { sequence: 3, detail: expect.stringMatching(/3/) } })
  })

  it('with any one event altered is broken at that event', async () => {
    for (const { sequence } of chain) {
      await write(chain.map((event) => (event.sequence === sequence ? { ...event, body: edited(event.body) } : event)))
      expect(await verify()).toMatchObject({ intact: false, fault: { sequence } })
    }
  })

  it('with the hash of any one event altered is broken at that event', async () => {
    for (const { sequence } of chain) {
      await write(chain.map((event) => (event.sequence === sequence ? { ...event, hash: randomOctets(32) } : event)))
      expect(await verify()).toMatchObject({ intact: false, fault: { sequence } })
    }
  })

  it('with any one event removed is broken there, the first and the last not excepted', async () => {
    for (const { sequence } of chain) {
      await write(chain.filter((event) => event.sequence !== sequence))
      expect(await verify()).toMatchObject({ intact: false, fault: { sequence } })
    }
  })

  it('with any two events exchanged is broken at the first of them', async () => {
    for (let one = 0; one < chain.length - 1; one++) {
      const exchanged = chain.map((event, at) => {
        const source = at === one ? chain[one + 1] : at === one + 1 ? chain[one] : event
        return { ...(source ?? event), sequence: event.sequence }
      })
      await write(exchanged)
      expect(await verify()).toMatchObject({ intact: false, fault: { sequence: one + 1 } })
    }
  })

  it('with an event inserted is broken there: before the first, between two, or after the last', async () => {
    const forged = { hash: randomOctets(32), body: edited(chain[2]?.body ?? '') }
    for (const place of [-5, 0, 1, 4, 7]) {
      const moved = chain.map((event) =>
        place >= 1 && event.sequence >= place ? { ...event, sequence: event.sequence + 1 } : event,
      )
      await write([...moved, { ...forged, sequence: place }])
      const { intact, fault } = await verify()
      expect([intact, fault?.sequence], `at ${place}`).toEqual([false, place])
    }
  })

  it('with a head that is not the last event is broken', async () => {
    await write(chain, { sequence: 6, hash: randomOctets(32) })
    expect(await verify()).toMatchObject({ intact: false, fault: { sequence: 6 } })
    await write(chain, { sequence: 9, hash: headOf(chain).hash })
    expect(await verify()).toMatchObject({ intact: false, fault: { sequence: 7 } })
    await write(chain, { sequence: 4, hash: chain[3]?.hash ?? new Uint8Array() })
    expect(await verify()).toMatchObject({ intact: false })
    await run(sql`delete from audit_heads where chain = ${org}`)
    expect(await verify()).toMatchObject({ intact: false })
  })

  it('cut short together with its head shows where it was signed', async () => {
    await sign()
    const short = chain.slice(0, 4)
    await write(short, headOf(short))
    expect(await verify()).toMatchObject({ intact: false, fault: { sequence: 5 } })
  })

  it('computed anew shows where it was signed, and where it was not is said to be unsigned', async () => {
    const anew = recomputed(chain.map(({ body }) => edited(body)))
    await write(anew, headOf(anew))
    expect(await verify()).toMatchObject({ intact: true, signed_through: 0, unsigned: 6 })
    await write(chain, headOf(chain))
    await sign()
    await write(anew, headOf(anew))
    expect(await verify()).toMatchObject({
      intact: false,
      fault: { sequence: 6, detail: expect.stringMatching(/anew/) },
    })
  })

  it('computed anew and signed with another key, or with an old signature, shows too', async () => {
    await sign()
    const anew = recomputed(chain.map(({ body }) => edited(body)))
    const head = headOf(anew)
    await write(anew, head)
    await run(sql`update audit_signatures set hash = ${head.hash} where chain = ${org}`)
    expect(await verify()).toMatchObject({ intact: false, fault: { sequence: 6 } })
    await run(
      sql`update audit_signatures set signature = ${signHead(foreignKey, org, 6, head.hash)} where chain = ${org}`,
    )
    expect(await verify()).toMatchObject({ intact: false, fault: { sequence: 6 } })
    await run(
      sql`update audit_signatures set signature = ${signHead(signingKey, org, 6, head.hash)} where chain = ${org}`,
    )
    expect(await verify()).toMatchObject({ intact: true, signed_through: 6 })
  })

  it('longer than one step of the walk is walked to its end', async () => {
    const bodies = Array.from({ length: 2100 }, (_, at) =>
      JSON.stringify({ ...JSON.parse(chain[0]?.body ?? '{}'), at }),
    )
    const long = recomputed(bodies)
    await run(sql`delete from audit_events where chain = ${org}`)
    await run(sql`insert into audit_events (chain, sequence, hash, body)
      select ${org}, sequence, decode(hash, 'hex'), body from unnest(${long.map((event) => event.sequence)}::bigint[],
        ${long.map((event) => Buffer.from(event.hash).toString('hex'))}::text[], ${long.map((event) => event.body)}::text[])
        as event (sequence, hash, body)`)
    await run(sql`update audit_heads set sequence = 2100, hash = ${headOf(long).hash} where chain = ${org}`)
    expect(await verify()).toMatchObject({ intact: true, events: 2100 })
    await run(
      sql`update audit_events set body = replace(body, '"at":2050', '"at":2051') where chain = ${org} and sequence = 2051`,
    )
    expect(await verify()).toMatchObject({ intact: false, fault: { sequence: 2051 } })
    for (const gone of [1000, 1001, 2000]) {
      await run(sql`delete from audit_events where chain = ${org} and sequence = ${gone}`)
    }
    expect(await verify()).toMatchObject({ intact: false, fault: { sequence: 1000 } })
  })

  it('stays one chain when many append at once, and is intact at every moment', async () => {
    const projects = await Promise.all(Array.from({ length: 3 }, () => keyturn.createProject(org)))
    const changes = Array.from({ length: 36 }, (_, at) =>
      keyturn.request('POST', `/v1/projects/${projects[at % 3]?.id}/keys`, { body: { name: `Integration ${at}` } }),
    )
    let isDone = false
    const done = Promise.all(changes).finally(() => {
      isDone = true
    })
    while (!isDone) expect(await verify()).toMatchObject({ intact: true })
    for (const { status } of await done) expect(status).toBe(201)
    expect(await verify()).toMatchObject({ intact: true, events: 6 + 6 + 36 })
  })

  it('is signed again only once it has grown by as many events as asked for', async () => {
    const signed = async (atLeast: number) =>
      (await signHeads(keyturn.database, signingKey, atLeast))
        .filter((head) => head.chain === org)
        .map((head) => head.sequence)
    expect(await signed(7)).toEqual([])
    expect(await signed(6)).toEqual([6])
    expect(await signed(1)).toEqual([])
    await keyturn.createProject(org)
    expect(await signed(3)).toEqual([])
    expect(await signed(2)).toEqual([8])
  })
})
