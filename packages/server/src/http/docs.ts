import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { errorCodes } from '@keyturn/contract'
import { Hono } from 'hono'
import { DomainError } from '../kernel/errors.ts'
import type { Env } from './context.ts'
import { toProblem } from './error-map.ts'

const assets = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
} as const

/** Nothing from elsewhere. Swagger UI sets styles on elements, and draws its icons as data. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const page = (title: string, body: string, head = '') => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
${head}
</head>
<body>
${body}
</body>
</html>
`

/** One column that can be read, one server to choose from, little above the first endpoint. */
const style = `body{margin:0;background:#fff}html.dark-mode body{background:#1c2022}
.swagger-ui .wrapper{max-width:70rem}.swagger-ui .info{margin:2rem 0 1rem}.swagger-ui .info .title small.version-stamp{display:none}
.swagger-ui .scheme-container{margin:0;padding:0 0 1rem;background:none;box-shadow:none}.swagger-ui .servers-title,.swagger-ui .servers{display:none}
.swagger-ui .filter .operation-filter-input{margin:0 0 1rem}.swagger-ui .opblock{margin-bottom:.5rem}
.swagger-ui .opblock .opblock-summary-method{min-width:5.5rem}`

const browser = page(
  'Keyturn API',
  '<div id="api"></div>\n<script src="/docs/swagger-ui-bundle.js"></script>\n<script src="/docs/start.js"></script>',
  `<meta name="color-scheme" content="light dark">\n<link rel="stylesheet" href="/docs/swagger-ui.css">\n<style>${style}</style>`,
)

const start = `const dark = matchMedia('(prefers-color-scheme: dark)')
const paint = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', paint)
paint()

SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#api',
  deepLinking: true,
  docExpansion: 'list',
  filter: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  persistAuthorization: false,
})
`

/** One entry for every code: `type` of a problem leads here. */
function errorsPage(): string {
  const rows = errorCodes.map((code) => {
    const { status, title, detail } = toProblem(new DomainError(code), '')
    const filled = detail.replaceAll('undefined', '…')
    return `<tr id="${code}"><td><code>${code}</code><td>${status}<td>${escapeHtml(title)}<td>${escapeHtml(filled)}`
  })
  return page(
    'Keyturn: error codes',
    `<h1>Error codes</h1>\n<p>What <code>code</code> of an error can be, for every endpoint of <a href="/docs">the API</a>.</p>\n<table>\n<tr><th>Code<th>Status<th>What<th>What to do\n${rows.join('\n')}\n</table>`,
    `<style>body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.4rem .8rem;border-bottom:1px solid #d0d7de}
tr:target{background:#fff8c5}a{color:inherit}code{font-family:ui-monospace,monospace}
@media(max-width:48rem){tr,td{display:block}th{display:none}td{border:0;padding:.1rem 0}tr{padding:.6rem 0;border-bottom:1px solid #d0d7de}code{font-weight:600}}
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}tr,th,td{border-color:#30363d}tr:target{background:#3a2f00}}</style>`,
  )
}

const escapeHtml = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** The API, to browse and to try; all of it from this process. */
export function docsRoutes(): Hono<Env> {
  const routes = new Hono<Env>()
  const directory = path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
  const html = { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': policy }
  const errors = errorsPage()
  routes.get('/docs', (c) => c.body(browser, 200, html))
  routes.get('/docs/errors', (c) => c.body(errors, 200, html))
  routes.get('/docs/start.js', (c) => c.body(start, 200, { 'Content-Type': 'text/javascript; charset=utf-8' }))
  for (const [name, type] of Object.entries(assets)) {
    routes.get(`/docs/${name}`, async (c) =>
      c.body(await readFile(path.join(directory, name)), 200, {
        'Content-Type': type,
        'Cache-Control': 'public, max-age=3600',
      }),
    )
  }
  return routes
}
