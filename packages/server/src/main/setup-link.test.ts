import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { goodPassword, tokenOf } from '../../test/support/people.ts'
import { openWorkplace, type Workplace } from '../../test/support/processes.ts'

const linkIn = (stdout: string) => /Open this to begin: (\S+)/.exec(stdout)?.[1]

describe('the link that makes the first owner', () => {
  let workplace: Workplace
  beforeAll(() => {
    workplace = openWorkplace()
  })
  afterAll(() => workplace.clear())

  it('is printed at each start and beside a running server, of two that use one at once one owns, and then there is none', async () => {
    const early = await workplace.run('main/setup-link.ts').ended()
    expect(early).toMatchObject({ code: 2, stderr: expect.stringContaining('npm start') })

    const first = await workplace.start()
    const printed = linkIn(first.process.stdout) ?? ''
    expect(printed.startsWith(first.url.replace('127.0.0.1', 'localhost'))).toBe(true)
    expect(first.process.stdout.trimEnd().endsWith(printed)).toBe(true)
    const another = await workplace.run('main/setup-link.ts').ended()
    expect(another.code).toBe(0)
    const tokens = [printed, linkIn(another.stdout) ?? ''].map(tokenOf)
    expect(tokens[0]).not.toBe(tokens[1])

    const statuses = await Promise.all(
      tokens.map(async (token, at) => {
        const body = JSON.stringify({ token, name: 'Olga', email: `olga-${at}@example.com`, password: goodPassword })
        const headers = { 'content-type': 'application/json' }
        return (await fetch(`${first.url}/v1/set-up`, { method: 'POST', headers, body })).status
      }),
    )
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 410])
    first.process.kill('SIGTERM')
    expect((await first.process.ended()).code).toBe(0)

    const second = await workplace.start()
    expect(linkIn(second.process.stdout)).toBeUndefined()
    const late = linkIn((await workplace.run('main/setup-link.ts').ended()).stdout) ?? ''
    expect((await fetch(`${second.url}/set-up?token=${tokenOf(late)}`)).status).toBe(410)
  })
})
