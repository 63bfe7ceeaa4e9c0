/**
 * Who PostgreSQL runs as when this process is root, which it refuses to be; undefined when this is an ordinary user.
 * Numeric, as a machine need not have a `postgres` user; it does have `nobody`, whose name initdb looks up.
 */
export const unprivileged = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined
