import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import pg from 'pg'
import { type Address, SecretValue } from '../../../backends/secret.ts'
import { ANY } from '../../../backends/store.ts'
import { type CheckedSystem, GATED, IN_BAO } from './system.ts'

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
export const CALM = IN_BAO

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
  await system.ask(CALM, 'live')
}

/** What does not settle: new has no room for it, which is its own failure. */
export const STUCK = addressIn(PLANTED.stall, 'planted/stuck')

export async function plant(system: CheckedSystem): Promise<void> {
  await mismatch(system)
  await stall(system)
  trip(system)
  await failures(system)
  await work(system)
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
  create function refuse() returns trigger language plpgsql as $$ begin raise exception using errcode = 'disk_full'; end $$;
  create trigger refuse before insert on crossfade_sealed.version for each row when (new.name = 'planted/stuck')
    execute function refuse()`

/** What is only ever drawn as 0 where all is well: a flags file that is broken for a moment, a file of caps that cannot be written. */
async function failures({ flagsFile, capsFile, application, until }: CheckedSystem): Promise<void> {
  mkdirSync(capsFile)
  const whole = readFileSync(flagsFile)
  writeFileSync(flagsFile, '{ broken')
  await until('the flags file is refused', async () => {
    const { values } = await application.engine.metrics.flags.problems.get()
    return values.some(({ value }) => value > 0)
  })
  writeFileSync(flagsFile, whole)
}

/** The new store fails with one secret, every time; what it refuses for the value's sake would be nobody's failure. */
async function stall({ newStore, secrets, ask }: CheckedSystem): Promise<void> {
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
  await secrets.put(STUCK, bytes('v1'), PLAIN)
  // Compared in vain, since new owes it; then read on legacy, although new serves.
  await secrets.get(STUCK)
  await ask(PLANTED.stall, 'live')
}

/** A run that is held back by its pace for longer than anybody looks: what only shows while secrets are worked on is there. */
async function work({ ops, secrets }: CheckedSystem): Promise<void> {
  for (let n = 0; n < 40; n += 1) await secrets.put(addressIn(CALM, `planted/${n}`), bytes('v1'), PLAIN)
  await ops.call('setPace', { body: { selector: CALM, rate: 1, reason: 'dashboards:check' } })
  await ops.call('verify', { body: { integration: CALM, execute: true, reason: 'dashboards:check' } })
}

/** What the guard is told of a store that fails while clients read there. */
function trip({ application }: CheckedSystem): void {
  const call = { integration: PLANTED.trip, customer: CUSTOMER, side: 'new', failed: true, ms: null } as const
  for (let calls = 0; calls < 250; calls += 1) application.engine.guard.observe(call)
}
