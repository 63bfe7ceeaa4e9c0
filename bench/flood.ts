import { connect, type Socket } from 'node:net'
import { unknownValue } from './verify-seed.ts'

// `node bench/flood.ts <port> <credential> <requests a second>`: well-formed values that nobody has, each another one, until it is killed.
const [port, credential, rate] = process.argv.slice(2)
const connections = 64
const everyMs = 10

const sockets: Socket[] = []
for (let number = 0; number < connections; number++) {
  const socket = connect(Number(port), '127.0.0.1')
  socket.resume()
  sockets.push(socket)
}

// Made ahead: the making must not take the load's core from the load. Far more than the node remembers.
const values = Array.from({ length: 200_000 }, unknownValue)
let next = 0
let startedAt = performance.now()
let sent = 0
process.stdout.write('ready\n')
setInterval(() => {
  const wanted = ((performance.now() - startedAt) / 1000) * Number(rate)
  // After a pause the flood goes on as before; it makes up for nothing.
  if (wanted - sent > Number(rate)) {
    startedAt = performance.now()
    sent = 0
    return
  }
  for (; sent < wanted; sent++) {
    const body = `{"key":"${values[next++ % values.length]}"}`
    sockets[sent % connections]?.write(
      `POST /v1/verify HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${credential}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
  }
}, everyMs)
