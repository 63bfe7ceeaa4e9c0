import { createServer } from 'node:http'

/**
 * The ceiling: node:http that reads the body, looks at nothing and says the same each time, with the headers and the bytes of a
 * real answer.
 */
const headers: string[] = JSON.parse(process.env['ANSWER_HEADERS'] ?? '[]')
const body = process.env['ANSWER_BODY'] ?? ''

createServer({ keepAliveTimeout: 75_000 }, (request, response) => {
  const answer = () => {
    response.writeHead(200, headers)
    response.end(body, 'latin1')
  }
  if (request.method === 'GET') answer()
  else {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', answer)
  }
}).listen(Number(process.env['PORT']), '127.0.0.1')
