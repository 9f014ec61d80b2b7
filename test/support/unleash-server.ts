import type { TestContext } from 'node:test'
import { openUnleash, type UnleashServer } from './open-unleash.ts'
import { freshDatabase } from './postgres.ts'

export type { UnleashEnvironment, UnleashServer } from './open-unleash.ts'

/** Starts a server that ends with the test. */
export async function startUnleash(t: TestContext): Promise<UnleashServer> {
  let server: UnleashServer | null = null
  // Before the database's own hook, so that it is gone when its database goes.
  t.after(() => server?.stop())
  const { url } = await freshDatabase(t)
  server = await openUnleash(url)
  return server
}
