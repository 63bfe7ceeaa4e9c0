import type { ReactNode } from 'react'

export type BarTone = 'main' | 'soft' | 'bad' | 'warn'

export interface Bar {
  readonly id: string
  /** What this one is and how much, in words. */
  readonly label: string
  /** From the top to the bottom. */
  readonly parts: readonly { readonly tone: BarTone; readonly value: number }[]
}

interface BarsProps {
  readonly label: string
  readonly bars: readonly Bar[]
  readonly height?: string
  /** Below the first and the last. */
  readonly ticks?: readonly string[]
  readonly children?: ReactNode
}

const sum = (bar: Bar) => bar.parts.reduce((total, { value }) => total + value, 0)

/** Bars beside each other, each with its words: as a title for a pointer, as a list for who does not see them. */
export function Bars({ label, bars, height = '7rem', ticks = [], children }: BarsProps) {
  const most = Math.max(1, ...bars.map(sum))
  return (
    <figure style={{ margin: 0 }}>
      <ul className="bars" aria-label={label} style={{ height }}>
        {bars.map((bar) => (
          <li key={bar.id} title={bar.label}>
            <b className="mantine-visually-hidden" style={hidden}>
              {bar.label}
            </b>
            {bar.parts.map(({ tone, value }) => (
              <span
                key={tone}
                data-tone={tone}
                style={{ height: value === 0 ? 0 : `max(3px, ${(100 * value) / most}%)` }}
              />
            ))}
          </li>
        ))}
      </ul>
      {ticks.length > 0 && (
        <div className="ticks" aria-hidden="true">
          {ticks.map((tick) => (
            <span key={tick}>{tick}</span>
          ))}
        </div>
      )}
      {children}
    </figure>
  )
}

const hidden = {
  position: 'absolute',
  width: 1,
  height: 1,
  overflow: 'hidden',
  clipPath: 'inset(50%)',
  whiteSpace: 'nowrap',
} as const
