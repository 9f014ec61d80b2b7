import { z } from 'zod'

/** Where a server is: scheme, host and port, nothing else. */
const addressSchema = z
  .string()
  .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), {
    message: 'expected https://host:port',
    abort: true,
  })
  .refine((text) => new URL(text).href === `${new URL(text).origin}/`, {
    message: 'expected scheme, host and port only: no user, path or query',
    abort: true,
  })
  .transform((text) => new URL(text).origin)

/** Where an engine or a method is mounted. */
export const mountSchema = z
  .string()
  .regex(/^[\w.-]+(\/[\w.-]+)*$/, 'expected a path without slashes at its ends')
  .refine((text) => text.split('/').every((part) => !/^\.+$/.test(part)), 'dot segments are refused')

const tokenSchema = z.strictObject({
  kind: z.literal('token'),
  token_file: z
    .string()
    .min(1)
    .describe(
      'Holds a token; read again when it changes. Without `read` on auth/token/lookup-self nobody knows when it ends.',
    ),
})

const approleSchema = z
  .strictObject({
    kind: z.literal('approle'),
    role_id: z.string().min(1).optional(),
    role_id_file: z.string().min(1).optional(),
    secret_id_file: z.string().min(1).describe('Read at every login.'),
    mount: mountSchema.default('approle').describe('Where the method is mounted below auth/.'),
  })
  .refine((auth) => (auth.role_id === undefined) !== (auth.role_id_file === undefined), {
    message: 'exactly one of role_id and role_id_file is needed',
  })

const kubernetesSchema = z.strictObject({
  kind: z.literal('kubernetes'),
  role: z.string().min(1),
  jwt_file: z
    .string()
    .min(1)
    .default('/var/run/secrets/kubernetes.io/serviceaccount/token')
    .describe('The token of the service account; read at every login.'),
  mount: mountSchema.default('kubernetes').describe('Where the method is mounted below auth/.'),
})

export const vaultAuthSchema = z.discriminatedUnion('kind', [tokenSchema, approleSchema, kubernetesSchema])

/** The keys of everything that speaks to a Vault or OpenBao server. */
export const vaultKeys = {
  address: addressSchema.describe('https://host:port of the server.'),
  addresses: z
    .array(addressSchema)
    .default([])
    .describe('Its other nodes: a redirect is followed to these only, and they are asked while one does not answer.'),
  namespace: z
    .string()
    .regex(/^[\w.-]+(\/[\w.-]+)*\/?$/, 'expected the path of a namespace')
    .optional()
    .describe('Sent with every request, logins too.'),
  ca_file: z.string().min(1).optional().describe('The only certificate authorities that are trusted, as PEM.'),
  client_cert_file: z.string().min(1).optional().describe('PEM; read again for each new connection.'),
  client_key_file: z.string().min(1).optional(),
  server_name: z.string().min(1).optional().describe('The name that the server’s certificate must have.'),
  max_connections: z.int().min(1).max(1000).default(32).describe('Connections of each replica to each node at most.'),
  auth: vaultAuthSchema.describe(
    'How this process proves who it is. The policy should allow `read` on auth/token/lookup-self, and `update` on auth/token/renew-self and sys/capabilities-self, as `default` does.',
  ),
}

export const VAULT_KEYS = Object.keys(vaultKeys)

export const vaultSchema = z.object(vaultKeys)

/** A client certificate is of use with its key only; for `superRefine` of a section that has `vaultKeys`. */
export function certificateProblem(config: {
  readonly client_cert_file?: string | undefined
  readonly client_key_file?: string | undefined
}): string | null {
  const complete = (config.client_cert_file === undefined) === (config.client_key_file === undefined)
  return complete ? null : 'client_cert_file and client_key_file are needed together'
}

export type VaultConfig = z.infer<typeof vaultSchema>
export type VaultAuth = z.infer<typeof vaultAuthSchema>
