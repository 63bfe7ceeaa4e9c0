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

const browser = page(
  'Keyturn API',
  '<div id="api"></div>\n<script src="/docs/swagger-ui-bundle.js"></script>\n<script src="/docs/start.js"></script>',
  '<link rel="stylesheet" href="/docs/swagger-ui.css">\n<style>body{margin:0}.swagger-ui .topbar{display:none}</style>',
)

const start = `SwaggerUIBundle({
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
    `<h1>Error codes</h1>\n<table>\n<tr><th>Code<th>Status<th>What<th>What to do\n${rows.join('\n')}\n</table>`,
    `<style>body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.4rem .8rem;border-bottom:1px solid #d0d7de}
tr:target{background:#fff8c5}@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}th,td{border-color:#30363d}tr:target{background:#3a2f00}}</style>`,
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
