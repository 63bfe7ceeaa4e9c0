let pasted = ''

/** From one page to the next in the memory of this page: not in the address, not in the history, not in any storage. */
export function handOver(value: string): void {
  pasted = value
}

/** Once. */
export function takePasted(): string {
  const value = pasted
  pasted = ''
  return value
}
