import type { z } from 'zod'

/** Names of parameters that hold a secret, or lead to one that nobody else reads. */
const SECRET = /pass|pwd|secret|token|apikey|api_key|credential/i

/**
 * Why a URL holds a secret, or null. A driver may take a password from the query, prefer it to the file's, and whatever prints
 * the configuration would show it.
 */
export function secretInUrl(text: string): string | null {
  if (!URL.canParse(text)) return null
  const { password, searchParams } = new URL(text)
  if (password !== '') return 'a password in a URL is refused; use password_file'
  const named = [...searchParams.keys()].find((key) => SECRET.test(key))
  return named === undefined
    ? null
    : `${named} in the query of a URL is refused; use password_file, or the key made for it`
}

/** For the schema of any key that takes a URL. */
export const withoutSecret = <T extends z.ZodType<string>>(schema: T) =>
  schema.superRefine((text, context) => {
    const why = secretInUrl(text)
    if (why !== null) context.addIssue({ code: 'custom', message: why })
  })
