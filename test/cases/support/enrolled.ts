import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { ConfigInput } from '../../../bin/embedded/sample/config.ts'
import { writeFlagFile } from '../../../flags/flag-file.ts'
import type { Phase } from '../../../flags/phase.ts'
import { privateRedis } from '../../ledger/private-redis.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { type Home, makeHome, type Serving } from './home.ts'

/*
 * A home in which the integration `aws` was migrated by the first of several processes: for what a configuration may not
 * change from then on.
 */

const SQL = `
create table t (integration text not null, customer text not null, name text not null, value text not null,
  primary key (integration, customer, name));
insert into t values ('aws', 'acme', 'token', 'v1'), ('aws', 'beta', 'token', 'v2');
create table other (like t including all);
`
const COLUMNS = { integration: 'integration', customer: 'customer', name: 'name', value: 'value' }

export type Edit = (config: ConfigInput) => ConfigInput

export interface Enrolled {
  readonly home: Home
  readonly first: Serving
}

/** `redis`: the program; other processes may then live beside the first one. */
export async function enrolledHome(
  t: TestContext,
  redis: string | null,
  more: Edit = (config) => config,
): Promise<Enrolled> {
  const bus = redis === null ? null : (await privateRedis(t, redis)).url
  const home = await makeHome(t, {
    sql: SQL,
    columns: COLUMNS,
    edit: (config) => more({ ...config, gates: {}, ...(bus === null ? {} : { bus: { url: bus } }) }),
  })
  const first = await home.serve()
  const { exit, stderr } = await first.cli('migrate', 'aws', '--execute', '--reason', 'a case')
  assert.equal(exit, 0, stderr)
  return { home, first }
}

/** The section of one store, changed. */
export const withStore =
  (name: string, change: Record<string, unknown>): Edit =>
  (config) => ({
    ...config,
    stores: { ...config.stores, [name]: { ...config.stores[name], ...change } } as ConfigInput['stores'],
  })

export const withIntegrations =
  (integrations: Record<string, object>): Edit =>
  (config) => ({
    ...config,
    integrations: { defaults: config.integrations['defaults'], ...integrations } as ConfigInput['integrations'],
  })

/** An own flags file that asks for this phase. */
export async function withPhase(home: Home, file: string, phase: Phase): Promise<Edit> {
  const path = join(home.folder, file)
  await writeFlagFile(path, { integrations: ['aws'], environment: 'case', phase })
  return (config) => ({ ...config, flags: { source: 'file', path, environment: 'case' } })
}

/** A database that holds nothing, as the URL of a store. */
export async function emptyDatabase(t: TestContext): Promise<string> {
  const url = new URL((await freshDatabase(t)).url)
  url.password = ''
  return url.href
}
