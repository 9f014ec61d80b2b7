import { z } from 'zod'

/** Host and port of a listener. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}

const ADDRESS = /^(\[[0-9a-fA-F:]+\]|[^:[\]]+):(\d{1,5})$/

/** `127.0.0.1:8700`, `[::1]:8700`, `0.0.0.0:0`. */
export const listenAddressSchema = z
  .string()
  .regex(ADDRESS, 'expected host:port, for example 127.0.0.1:8700 or [::1]:8700')
  .transform((text): ListenAddress => {
    const [, host = '', port = ''] = ADDRESS.exec(text) ?? []
    return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
  })
  .refine(({ port }) => port <= 65_535, 'expected a port up to 65535')

const listener = (purpose: string) =>
  z.strictObject({ address: listenAddressSchema.describe('host:port, on which to listen.') }).describe(purpose)

/** The section `listen`. */
export const listenConfigSchema = z.strictObject({
  clients: listener('The API for secrets.'),
  operators: listener("Health, metrics, the operators' API and the live page."),
})
