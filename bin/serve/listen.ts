import type { FastifyInstance } from 'fastify'
import type { ListenAddress } from '../config/listen.ts'
import { serveFault } from './faults.ts'

/**
 * Listens and returns the address for people and the run file. `exclusive`: workers of one machine do not share it.
 * Rejects with `port-taken`.
 */
export async function listen(
  app: FastifyInstance,
  { host, port }: ListenAddress,
  key: string,
  exclusive = false,
): Promise<string> {
  try {
    const url = await app.listen({ host, port, exclusive })
    return url.replace('://0.0.0.0:', '://127.0.0.1:').replace('://[::]:', '://[::1]:')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE' || code === 'EACCES') {
      throw serveFault('port-taken', `${host}:${port} (listen.${key}.address): ${code}`, { cause: error })
    }
    throw error
  }
}
