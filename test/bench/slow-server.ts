import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/*
 * Answers after as many milliseconds of work as it is told, 500 to every `DELETE`, and prints its address as JSON.
 */

const work = Number(process.argv[2])

const server = createServer((request, response) => {
  const until = performance.now() + work
  while (performance.now() < until);
  response.writeHead(request.method === 'DELETE' ? 500 : 200).end('answer')
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  console.log(JSON.stringify({ url: `http://127.0.0.1:${port}` }))
})
process.once('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
})
