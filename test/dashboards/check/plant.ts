import pg from 'pg'
import { type Address, SecretValue } from '../../../backends/secret.ts'
import { ANY } from '../../../backends/store.ts'
import { type CheckedSystem, GATED } from './system.ts'

/*
 * One of everything that operators must see: a mismatch, a debt that cannot be settled, a cohort that a gate holds, a trip of
 * the guard, a rollback. Each on an integration of its own.
 */
export const PLANTED = {
  mismatch: 'aws',
  stall: 'azure',
  hold: GATED,
  trip: 'jira',
  rollback: 'gitlab',
} as const

/** One that nothing happens to. */
export const CALM = 'datadog'

const CUSTOMER = 'eu-amber-bakery'
export const HELD_COHORT = 'pilot'

const bytes = (text: string) => Buffer.from(text)
const PLAIN = { contentType: null, metadata: {} }

export const addressIn = (integration: string, name: string): Address => ({ integration, customer: CUSTOMER, name })

/** Every integration in the phase in which its fault can happen. */
export async function prepare(system: CheckedSystem): Promise<void> {
  for (const integration of [...Object.values(PLANTED), CALM]) await system.migrate(integration)
  await system.ask(PLANTED.mismatch, 'shadow')
  await system.ask(PLANTED.stall, 'shadow')
  await system.ask(PLANTED.hold, 'live', HELD_COHORT)
  await system.ask(PLANTED.trip, 'live')
  await system.ask(PLANTED.rollback, 'live')
  await system.ask(CALM, 'shadow')
}

export async function plant(system: CheckedSystem): Promise<void> {
  await mismatch(system)
  await stall(system)
  trip(system)
  await system.ops.call('rollback', { body: { selector: PLANTED.rollback, to: 'off' } })
}

/** Somebody writes to legacy, past the proxy; a read in shadow finds it. */
async function mismatch({ secrets, application, until }: CheckedSystem): Promise<void> {
  const { engine } = application
  const address = addressIn(PLANTED.mismatch, 'planted/differs')
  await secrets.put(address, bytes('v1'), PLAIN)
  await engine.lazy.flush()
  const secret = { ...PLAIN, value: SecretValue.ofText('sabotage') }
  const { legacy } = engine.stores.pairs(address.integration).stores
  const outcome = await legacy.put(address, secret, ANY, { deadline: engine.clock.monotonic() + 5000 })
  if (outcome.kind !== 'done') throw new Error(`legacy answered ${outcome.kind}`)
  await secrets.get(address)
  await until('the mismatch is recorded', async () => {
    const { values } = await engine.metrics.proxy.mismatches.get()
    return values.some(({ labels, value }) => labels.integration === address.integration && value === 1)
  })
}

const REFUSE = `
  create function refuse() returns trigger language plpgsql as $$ begin raise exception 'planted'; end $$;
  create trigger refuse before insert on crossfade_sealed.version for each row when (new.name = 'planted/stuck')
    execute function refuse()`

/** The new store refuses one secret, every time. */
async function stall({ newStore, secrets }: CheckedSystem): Promise<void> {
  const client = new pg.Client({ connectionString: newStore })
  await client.connect()
  try {
    const { rows } = await client.query<{ schema: string }>(
      "select table_schema as schema from information_schema.tables where table_name = 'data_key'",
    )
    await client.query(REFUSE.replace('crossfade_sealed', rows[0]?.schema ?? ''))
  } finally {
    await client.end()
  }
  await secrets.put(addressIn(PLANTED.stall, 'planted/stuck'), bytes('v1'), PLAIN)
}

/** What the guard is told of a store that fails while clients read there. */
function trip({ application }: CheckedSystem): void {
  const call = { integration: PLANTED.trip, customer: CUSTOMER, side: 'new', failed: true, ms: null } as const
  for (let calls = 0; calls < 250; calls += 1) application.engine.guard.observe(call)
}
