/** What a process of ours is started with beside its own settings: nothing that a developer has set. */
export const bareEnvironment = {
  PATH: process.env['PATH'] ?? '',
  TZ: 'UTC',
  // Its modules are compiled once, and not for each of the processes that the tests start.
  NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? '',
}
