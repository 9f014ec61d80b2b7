import { z } from 'zod'

/** Where a PostgreSQL is; its password comes from a file, never from the URL. */
export const postgresUrlSchema = z
  .string()
  .refine((text) => URL.canParse(text) && /^postgres(ql)?:$/.test(new URL(text).protocol), {
    message: 'expected postgres://user@host:port/database',
    abort: true,
  })
  .refine((text) => new URL(text).password === '', 'a password in a URL is refused; use password_file')

/** The keys that every adapter on PostgreSQL has. */
export const connectionKeys = {
  url: postgresUrlSchema.describe('postgres://user@host:port/database, without a password.'),
  password_file: z.string().min(1).optional().describe('Holds the password of that user.'),
  max_connections: z.int().min(1).max(1000).default(10).describe('Connections of each replica at most.'),
}

export const CONNECTION_KEYS = Object.keys(connectionKeys)

/** The name of the database that a URL leads to, which is the user's where it names none. */
export function databaseOf(url: string): string {
  const { pathname, username } = new URL(url)
  return decodeURIComponent(pathname.slice(1)) || decodeURIComponent(username)
}
