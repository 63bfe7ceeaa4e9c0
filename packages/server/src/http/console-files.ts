export interface ConsoleFile {
  readonly type: string
  readonly plain: Uint8Array<ArrayBuffer>
  readonly gzip: Uint8Array<ArrayBuffer>
  readonly brotli: Uint8Array<ArrayBuffer>
}

/** By their names below `/console/`; `index.html` is the page itself. */
export type ConsoleFiles = ReadonlyMap<string, ConsoleFile>
