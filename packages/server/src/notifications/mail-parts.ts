/** A way out: the page that it opens, which has the button. */
export interface Way {
  readonly label: string
  readonly url: string
  /** What it would do, in a sentence. */
  readonly means: string
}

/** How near it is: only to the eye, the words say it, too. */
export type Tone = 'calm' | 'soon' | 'over'

/** What a mail consists of. Text and HTML are both made from it, so that they say the same. */
export interface Section {
  readonly tone: Tone
  readonly title: string
  /** What will happen, when. */
  readonly lead: string
  readonly facts: readonly (readonly [name: string, value: string])[]
  readonly advice?: readonly string[]
  /** The first is the one that suits most readers. */
  readonly ways?: readonly Way[]
}

export interface MailParts {
  readonly subject: string
  readonly organizationName: string
  readonly title: string
  readonly lead: string
  readonly sections: readonly Section[]
  /** What there is besides, a line each. */
  readonly further?: { readonly title: string; readonly lines: readonly string[] }
  /** Why it came, and what else its reader may want to know. */
  readonly footer: readonly string[]
  readonly settingsUrl: string | null
}
