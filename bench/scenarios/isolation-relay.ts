import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type RelayMode, startRelay } from '../../test/chaos/relay.ts'

/*
 * The way to the new store, in a process of its own. It takes the store's port, prints its own and the address that it is
 * told its mode at (`POST /hang`, `POST /pass`), and ends on SIGTERM.
 */
const MODES: Readonly<Record<string, RelayMode>> = { '/hang': { kind: 'hang' }, '/pass': { kind: 'pass' } }

const relay = await startRelay(Number(process.argv[2]))
const control = createServer((request, response) => {
  const mode = MODES[request.url ?? '']
  if (mode !== undefined) relay.set(mode)
  response.writeHead(mode === undefined ? 404 : 204).end()
}).listen(0, '127.0.0.1')
await once(control, 'listening')
process.once('SIGTERM', () => process.exit(0))
const url = `http://127.0.0.1:${(control.address() as AddressInfo).port}`
console.log(JSON.stringify({ url, port: relay.port }))
