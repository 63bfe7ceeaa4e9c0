// Preloaded into a node: its wall clock is wrong by what the query of this file's URL says, and by an hour more or less with each
// SIGUSR2 or SIGHUP. The monotonic clock is right, as on a machine whose time somebody sets.
const hourMs = 3_600_000
const RightDate = Date
let shiftMs = Number(new URL(import.meta.url).searchParams.get('shift'))

globalThis.Date = new Proxy(RightDate, {
  construct: (target, parts, newTarget) =>
    Reflect.construct(target, parts.length === 0 ? [target.now() + shiftMs] : parts, newTarget),
  get: (target, name, receiver) =>
    name === 'now' ? () => target.now() + shiftMs : Reflect.get(target, name, receiver),
})

process.on('SIGUSR2', () => {
  shiftMs += hourMs
})
process.on('SIGHUP', () => {
  shiftMs -= hourMs
})
