import { describe, expect, it } from 'vitest'
import { AnswersOfTurn } from './answers-of-turn.ts'

describe('answers of one turn', () => {
  const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

  it('are written at its end, in order', async () => {
    const written: number[] = []
    const answers = new AnswersOfTurn<number>(
      () => true,
      (item) => written.push(item),
      async () => {},
    )
    for (const item of [1, 2, 3]) answers.add(item)
    expect(written).toEqual([])
    await nextTurn()
    expect(written).toEqual([1, 2, 3])
    answers.add(4)
    await nextTurn()
    expect(written).toEqual([1, 2, 3, 4])
  })

  it('are asked again where the node was not trusted when they were decided, even if it is at the end of the turn', async () => {
    const [written, askedAgain]: [number[], number[]] = [[], []]
    let trusted = false
    const answers = new AnswersOfTurn<number>(
      () => trusted,
      (item) => written.push(item),
      async (item) => void askedAgain.push(item),
    )
    answers.add(1)
    trusted = true
    answers.add(2)
    await nextTurn()
    expect({ written, askedAgain }).toEqual({ written: [2], askedAgain: [1] })
  })

  it('are written only while the node is trusted, which is asked before each', async () => {
    const [written, askedAgain]: [number[], number[]] = [[], []]
    // Of each of the four when it is decided, and of two when they are written.
    let left = 4 + 2
    const answers = new AnswersOfTurn<number>(
      () => left-- > 0,
      (item) => written.push(item),
      async (item) => void askedAgain.push(item),
    )
    for (const item of [1, 2, 3, 4]) answers.add(item)
    await nextTurn()
    expect({ written, askedAgain }).toEqual({ written: [1, 2], askedAgain: [3, 4] })
  })
})
