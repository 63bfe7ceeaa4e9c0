/** What of the installation tokens depend on. */
export interface TokenGround {
  /** The public URL: `iss` of every token, and where its verifiers find public keys and status lists. */
  readonly issuer: string
  /** The private keys that sign are sealed under it. */
  readonly sealKey: Uint8Array
}
