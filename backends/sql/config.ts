import { z } from 'zod'
import { withoutSecret } from '../../core/url-secrets.ts'
import { ownParameter } from './session.ts'

/** Where a PostgreSQL is; its password comes from a file, never from the URL. */
export const postgresUrlSchema = withoutSecret(
  z
    .string()
    .refine((text) => URL.canParse(text) && /^postgres(ql)?:$/.test(new URL(text).protocol), {
      message: 'expected postgres://user@host:port/database',
      abort: true,
    })
    .refine((text) => ownParameter(text) === null, {
      error: ({ input }) =>
        `${ownParameter(String(input))} in the query of a URL is refused: it is set from this configuration`,
    }),
)

/** The keys that every adapter on PostgreSQL has. */
export const connectionKeys = {
  url: postgresUrlSchema.describe(
    'postgres://user@host:port/database, without a password. `?options=` is put before the settings that Crossfade needs.',
  ),
  password_file: z
    .string()
    .min(1)
    .optional()
    .describe('Holds the password of that user; read again for each new connection.'),
  max_connections: z.int().min(1).max(1000).default(10).describe('Connections of each replica at most.'),
}

export const CONNECTION_KEYS = Object.keys(connectionKeys)

/** The name of the database that a URL leads to, which is the user's where it names none. */
export function databaseOf(url: string): string {
  const { pathname, username } = new URL(url)
  return decodeURIComponent(pathname.slice(1)) || decodeURIComponent(username)
}
