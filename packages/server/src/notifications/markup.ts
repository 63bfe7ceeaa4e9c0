/** A piece of HTML. Only `markup` makes one, so that whatever came from elsewhere was escaped on its way into it. */
export class Markup {
  readonly text: string

  private constructor(text: string) {
    this.text = text
  }

  /** For what stands in our own source, as a style. */
  static trusted(text: string): Markup {
    return new Markup(text)
  }
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? '')

type Piece = Markup | string | number | readonly Piece[]

const toMarkup = (piece: Piece): string => {
  if (piece instanceof Markup) return piece.text
  return typeof piece === 'object' ? piece.map(toMarkup).join('') : escape(String(piece))
}

/** A template of HTML; every value in it is escaped, unless it is markup itself. */
export const markup = (strings: TemplateStringsArray, ...pieces: readonly Piece[]): Markup =>
  Markup.trusted(strings.reduce((whole, part, place) => whole + toMarkup(pieces[place - 1] ?? '') + part))
