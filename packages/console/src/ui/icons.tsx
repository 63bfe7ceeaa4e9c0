import type { ReactNode } from 'react'

const icon = (path: ReactNode) =>
  function Icon({ size = 18 }: { readonly size?: number }) {
    return (
      <svg
        width={size}
        height={size}
        viewBox="0 0 24 24"
        fill="none"
        stroke="currentColor"
        strokeWidth="2"
        strokeLinecap="round"
        strokeLinejoin="round"
        aria-hidden="true"
      >
        {path}
      </svg>
    )
  }

export const IconMark = icon(
  <>
    <circle cx="8" cy="8" r="5" />
    <path d="m11.6 11.6 8.4 8.4M16 16l3-3M19 19l2-2" />
  </>,
)
export const IconCopy = icon(
  <>
    <rect x="9" y="9" width="11" height="11" rx="2" />
    <path d="M5 15V5a2 2 0 0 1 2-2h9" />
  </>,
)
export const IconCheck = icon(<path d="m5 13 4 4L19 7" />)
export const IconDots = icon(<path d="M5 12h.01M12 12h.01M19 12h.01" strokeWidth="3" />)
export const IconHome = icon(<path d="m4 11 8-7 8 7v8a1 1 0 0 1-1 1h-4v-6H9v6H5a1 1 0 0 1-1-1z" />)
export const IconKey = icon(
  <>
    <circle cx="8" cy="15" r="4" />
    <path d="m11 12 8-8M16 7l3 3M13 10l2 2" />
  </>,
)
export const IconCalendar = icon(
  <>
    <rect x="4" y="5" width="16" height="15" rx="2" />
    <path d="M4 10h16M8 3v4M16 3v4" />
  </>,
)
export const IconSearch = icon(
  <>
    <circle cx="11" cy="11" r="6" />
    <path d="m20 20-4.5-4.5" />
  </>,
)
export const IconList = icon(<path d="M9 6h11M9 12h11M9 18h11M4 6h.01M4 12h.01M4 18h.01" />)
export const IconPeople = icon(
  <>
    <circle cx="9" cy="8" r="3.5" />
    <path d="M3 20a6 6 0 0 1 12 0M16 5a3.5 3.5 0 0 1 0 6.5M17.5 14.5A6 6 0 0 1 21 20" />
  </>,
)
export const IconSettings = icon(
  <>
    <path d="M4 7h9M17 7h3M4 17h3M11 17h9" />
    <circle cx="15" cy="7" r="2" />
    <circle cx="9" cy="17" r="2" />
  </>,
)
export const IconSun = icon(
  <>
    <circle cx="12" cy="12" r="4" />
    <path d="M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6 7 7M17 17l1.4 1.4M18.4 5.6 17 7M7 17l-1.4 1.4" />
  </>,
)
export const IconMoon = icon(<path d="M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z" />)
export const IconCross = icon(<path d="m6 6 12 12M18 6 6 18" />)
export const IconUpload = icon(<path d="M12 15V4M7 9l5-5 5 5M5 20h14" />)
export const IconDownload = icon(<path d="M12 4v11M7 11l5 5 5-5M5 20h14" />)
export const IconPlus = icon(<path d="M12 5v14M5 12h14" />)
