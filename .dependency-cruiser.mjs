// The arrows of ARCHITECTURE.md. An import that follows none of them fails `npm run check`.
//
// In a concept's folder `*-store.ts` is SQL (`*-rows.ts` and `*-sql.ts` are parts of stores); a file that imports one is a service; the others are pure: rules, types,
// constants.
const concepts =
  '(?:organizations|people|keys|signing|rotation|verification|limits|expirations|notifications|audit|usage|idempotency|transfer)'
const store = '[-/]store\\.ts$'
// Parts of stores that several of them share: rows to records, pieces of statements.
const sqlParts = '-(?:rows|sql)\\.ts$'
const test = '\\.test\\.ts$'
const server = '^packages/server/src'
const contract = '^packages/contract/src/'

/** Tests may reach for anything: what they prove often lies between the parts. */
const sourceOf = (/** @type {string} */ folder) => ({ path: `${folder}/`, pathNot: test })

/** @type {import('dependency-cruiser').IForbiddenRuleType[]} */
const arrows = [
  {
    name: 'contract-imports-zod-alone',
    comment: 'What goes over the wire is read by every client; it drags nothing along but zod.',
    from: sourceOf('^packages/contract/src'),
    to: { pathNot: [contract, '(?:^|/)node_modules/zod/'] },
  },
  {
    name: 'kernel-imports-contract-alone',
    comment: 'The kernel is below everything in the server.',
    from: sourceOf(`${server}/kernel`),
    to: { path: '^packages/', pathNot: [`${server}/kernel/`, contract] },
  },
  {
    name: 'storage-imports-kernel-alone',
    comment: 'Storage knows tables and, from the contract, the words in them; not the rules that fill them.',
    from: sourceOf(`${server}/storage`),
    to: { path: '^packages/', pathNot: [`${server}/(?:storage|kernel)/`, contract] },
  },
  {
    name: 'sql-is-in-stores-alone',
    comment: 'What is not a store gets its rows from one; a rule is a function of values and a time.',
    from: { path: `${server}/${concepts}/`, pathNot: [test, store, sqlParts] },
    to: { path: '(?:^|/)node_modules/(?:kysely|pg|@electric-sql)/' },
  },
  {
    name: 'concepts-do-no-io',
    comment:
      'Files, sockets and threads are the business of main, storage and http; the fast path of verify is one too.',
    from: { path: `${server}/${concepts}/`, pathNot: [test, `${server}/verification/`] },
    to: {
      path: [
        '(?:^|/)node_modules/(?:hono|@hono|pino)/',
        '^(?:node:)?(?:fs|net|tls|http|https|http2|dgram|dns|child_process|worker_threads|cluster)(?:/|$)',
      ],
    },
  },
  {
    name: 'a-store-is-sql-for-one-concept',
    comment: 'It imports storage, the kernel and the pure files of its own concept.',
    from: { path: `${server}/([^/]+).*${store}` },
    to: { path: '^packages/', pathNot: [`${server}/(?:storage|kernel|$1)/`, contract] },
  },
  {
    name: 'no-store-above-a-store',
    comment: 'Services call stores, never the other way round; a store that reaches a store has a service in between.',
    from: { path: `${server}/.*${store}` },
    to: { path: `${server}/.*${store}`, reachable: true },
  },
  {
    name: 'no-foreign-store',
    comment: "A concept calls another concept's service, never its store.",
    from: { path: `${server}/(?!main/|http/)([^/]+)/`, pathNot: test },
    to: { path: `${server}/.*${store}`, pathNot: `${server}/$1/` },
  },
  {
    name: 'concepts-know-no-http',
    comment: 'A use case does not know who calls it.',
    from: sourceOf(`${server}/${concepts}`),
    to: { path: `${server}/http/` },
  },
  {
    name: 'http-imports-no-store',
    comment: 'Routes call services; SQL in a route has no rule around it.',
    from: sourceOf(`${server}/http`),
    to: { path: [`${server}/storage/`, `${server}/.*${store}`] },
  },
  {
    name: 'nothing-imports-main',
    comment: 'Main puts the parts together; a part that imports it cannot be tested alone.',
    from: { path: '^packages/[^/]+/src/', pathNot: [`${server}/main/`, test] },
    to: { path: `${server}/main/` },
  },
  {
    name: 'server-is-reached-over-http',
    comment: 'The other packages talk HTTP.',
    from: { path: '^packages/(?!server/)', pathNot: test },
    to: { path: '^packages/server/' },
  },
  {
    name: 'sdk-imports-contract-alone',
    comment: 'Who calls Keyturn from a program gets a client and the contract, and nothing else.',
    from: sourceOf('^packages/sdk/src'),
    to: { pathNot: ['^packages/sdk/src/', contract] },
  },
  {
    name: 'console-talks-through-sdk',
    comment: 'The public API is its only door; what is written twice comes from the contract.',
    from: sourceOf('^packages/console/src'),
    to: { path: '^packages/', pathNot: ['^packages/console/src/', '^packages/sdk/src/index\\.ts$', contract] },
  },
  {
    name: 'no-test-in-source',
    comment: 'What runs in production imports nothing that exists for tests.',
    from: sourceOf('^packages/[^/]+/src'),
    to: { path: [test, '^packages/[^/]+/test/', '^(?:bench|e2e|scripts)/'] },
  },
  {
    name: 'no-cycle',
    comment:
      'Of two files that need each other one is loaded half-made. Types count: the parser does not tell them apart.',
    from: {},
    to: { circular: true },
  },
  { name: 'no-missing-file', comment: 'The import leads nowhere.', from: {}, to: { couldNotResolve: true } },
  {
    name: 'no-missing-dependency',
    comment: "It works only as long as npm puts another package's dependency within reach: list it in package.json.",
    from: sourceOf('^packages/[^/]+/src'),
    to: {
      dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev', 'npm-optional'],
      dependencyTypesNot: ['type-only'],
    },
  },
]

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: arrows.map((rule) => ({ ...rule, severity: 'error' })),
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    doNotFollow: { path: 'node_modules' },
    // Peers of the benches have packages of their own, installed on demand.
    exclude: { path: '^bench/peers/|/dist/' },
    moduleSystems: ['es6'],
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.json'],
    },
  },
}
