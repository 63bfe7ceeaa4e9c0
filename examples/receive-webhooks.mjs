// Receives Keyturn's webhooks: node receive-webhooks.mjs 8099 /etc/my-app/signing-secret
// Wants the library of the Standard Webhooks specification (npm install standardwebhooks). Node 20 or newer. docs/guides/webhooks.md
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { Webhook } from 'standardwebhooks'

const [port = '8099', file = ''] = process.argv.slice(2)

// What was done already, by `webhook-id`: a delivery may come twice. Keep it for a week, where a restart does not lose it.
const done = new Set()

/**
 * @param {string} body the very text that came: written anew it may be another, and the signature would not fit
 * @param {Record<string, string>} headers
 */
function take(body, headers) {
  // The file is read each time, so that a rotated secret counts at once.
  const event = Object(new Webhook(readFileSync(file, 'utf8').trim()).verify(body, headers))
  const id = headers['webhook-id']
  if (done.has(id)) return
  done.add(id)
  // Here is where something is done. What takes longer than a few seconds goes into a queue of your own.
  console.log(`${event.type} ${event.data.name ?? ''} ${id}`)
}

createServer((request, response) => {
  let body = ''
  request.setEncoding('utf8').on('data', (text) => {
    body += text
  })
  request.on('end', () => {
    try {
      take(body, Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)])))
      response.writeHead(204).end()
    } catch (error) {
      response.writeHead(400).end(`${String(error)}\n`)
    }
  })
}).listen(Number(port), '127.0.0.1', () => console.log(`listening on ${port}`))
