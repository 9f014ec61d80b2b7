import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Address } from '../../backends/secret.ts'
import type { UnreadableReason } from '../../backends/store.ts'
import { PHASES } from '../../flags/phase.ts'
import { QUARANTINE_REASONS, type QuarantineReason } from '../../ledger/ledger.ts'
import { countRetry, listQuarantine, retryQuarantine } from '../../ledger/postgres/quarantine.ts'
import { backfill } from '../../migrator/backfill.ts'
import { takeInventory } from '../../migrator/inventory.ts'
import { otherwise, toldOtherwise } from '../support/answers.ts'
import { at, INTEGRATION, secretOf, unwatched, withMigrator } from './with-migrator.ts'
import { none } from './with-replicas.ts'

type Under = Awaited<ReturnType<typeof withMigrator>>

const BAD = at('bad')
const GOOD = at('good')
const forward = { integration: INTEGRATION, source: 'legacy' } as const
const ORIGINAL = 'value of bad'
const isBad = ({ name }: Address): boolean => name === BAD.name

/** The migrator cannot read the source's record; clients go past the gate. */
const unreadable = (under: Under, reason: UnreadableReason) =>
  under.stores.legacy.gate('getMany', async (real, addresses, call) => {
    const seen = await real(addresses, call)
    return otherwise(addresses, seen, (outcome, address) =>
      isBad(address) ? { kind: 'unreadable', reason, version: null } : outcome,
    )
  })

const refused = (under: Under, reason: 'unrepresentable' | 'too-large') =>
  under.stores.new.gate('putMany', async (real, puts, call) => {
    const done = await real(puts, call)
    if (puts.some(({ address }) => isBad(address))) await under.plant('new', BAD, null)
    return toldOtherwise(puts, done, (outcome, { address }) => (isBad(address) ? { kind: 'refused', reason } : outcome))
  })

interface Case {
  /** Before the backfill. */
  readonly harm: (under: Under) => Promise<void> | void
  /** Makes what could not be copied copyable again; null: only an operator's word, or a write, can. */
  readonly heal: ((under: Under) => Promise<void> | void) | null
  /** What clients are served meanwhile, in every phase; null: nothing is there. */
  readonly served: string | null
}

const ungate = ({ stores }: Under) => {
  stores.legacy.gate('getMany', null)
  stores.new.gate('putMany', null)
}
const writtenOnLegacy = async ({ core }: Under) => {
  core.setPhase('off')
  await core.secrets.write(BAD, secretOf(ORIGINAL), none)
  await core.lazy.flush()
}

const CASES: Readonly<Record<QuarantineReason, Case>> = {
  undecryptable: { harm: (under) => unreadable(under, 'undecryptable'), heal: ungate, served: ORIGINAL },
  corrupt: { harm: (under) => unreadable(under, 'corrupt'), heal: ungate, served: ORIGINAL },
  ambiguous: { harm: (under) => unreadable(under, 'ambiguous'), heal: ungate, served: ORIGINAL },
  'too-large': { harm: (under) => refused(under, 'too-large'), heal: ungate, served: ORIGINAL },
  unrepresentable: { harm: (under) => refused(under, 'unrepresentable'), heal: ungate, served: ORIGINAL },
  'not-addressable': { harm: () => undefined, heal: null, served: ORIGINAL },
  foreign: {
    harm: (under) => under.plant('new', BAD, secretOf('of somebody else')),
    heal: (under) => under.plant('new', BAD, null),
    served: ORIGINAL,
  },
  missing: {
    harm: async (under) => {
      await writtenOnLegacy(under)
      await under.plant('legacy', BAD, null)
    },
    heal: (under) => under.plant('legacy', BAD, secretOf(ORIGINAL)),
    served: null,
  },
  out_of_band: {
    harm: async (under) => {
      await writtenOnLegacy(under)
      await under.plant('legacy', BAD, secretOf('past the proxy'))
    },
    heal: (under) => under.plant('legacy', BAD, secretOf(ORIGINAL)),
    served: 'past the proxy',
  },
}

async function harmed(t: TestContext, reason: QuarantineReason) {
  const options = reason === 'not-addressable' ? { addressable: (address: Address) => !isBad(address) } : {}
  const under = await withMigrator(t, options)
  await under.seed([BAD, GOOD])
  if (reason === 'foreign') await CASES.foreign.harm(under)
  await takeInventory(under.deps, INTEGRATION, unwatched())
  if (reason !== 'foreign') await CASES[reason].harm(under)
  await backfill(under.deps, forward, unwatched())
  return under
}

const quarantined = async ({ database }: Under) =>
  (await listQuarantine(database, [INTEGRATION], null, 10)).map(({ name, reason }) => [name, reason])

for (const reason of QUARANTINE_REASONS) {
  test(`what is in quarantine as ${reason} stays served from where it is, and is never counted as done`, async (t) => {
    const under = await harmed(t, reason)
    assert.deepEqual(await quarantined(under), [[BAD.name, reason]])
    const before = await under.held(BAD)
    const { copied, verified, left, quarantined: kept, discovered } = await under.deps.counts(INTEGRATION)
    assert.deepEqual(
      { copied, verified, left, kept, discovered },
      { copied: 1, verified: 0, left: 0, kept: 1, discovered: 2 },
    )
    for (const phase of PHASES) assert.equal(await under.core.served(phase, BAD), CASES[reason].served, phase)
    await under.core.settleAll()
    assert.deepEqual(await under.held(BAD), before, 'nothing touches it')
  })

  test(`a retry of ${reason} that still cannot be copied comes back to the quarantine, and nothing is lost by it`, async (t) => {
    const under = await harmed(t, reason)
    const before = await under.held(BAD)
    const retriable = reason === 'not-addressable' ? { retried: {}, kept: 1 } : { retried: { [reason]: 1 }, kept: 0 }
    assert.deepEqual(await countRetry(under.database, INTEGRATION, QUARANTINE_REASONS), retriable)
    assert.deepEqual(await quarantined(under), [[BAD.name, reason]], 'counting changes nothing')
    assert.deepEqual(await retryQuarantine(under.database, INTEGRATION, QUARANTINE_REASONS), retriable)
    await backfill(under.deps, forward, unwatched())
    assert.deepEqual(await quarantined(under), [[BAD.name, reason]])
    assert.deepEqual(await under.held(BAD), before)
  })

  const { heal } = CASES[reason]
  if (heal === null) continue
  test(`a retry of ${reason} copies what can be copied by then`, async (t) => {
    const under = await harmed(t, reason)
    await heal(under)
    await under.core.settleAll()
    assert.deepEqual(await quarantined(under), [[BAD.name, reason]], 'not before somebody asks for it')
    const others = QUARANTINE_REASONS.filter((other) => other !== reason)
    await retryQuarantine(under.database, INTEGRATION, others)
    assert.deepEqual(await quarantined(under), [[BAD.name, reason]], 'only the reasons that were named')
    await retryQuarantine(under.database, INTEGRATION, [reason])
    await under.core.settleAll()
    assert.deepEqual(await under.held(BAD), { legacy: ORIGINAL, new: ORIGINAL })
    assert.equal((await under.deps.counts(INTEGRATION)).copied, 2)
  })
}

test('a value that came to new while an entry waited is foreign at the retry, and is not put over', async (t) => {
  const under = await harmed(t, 'too-large')
  ungate(under)
  await under.plant('new', BAD, secretOf('of somebody else'))
  await retryQuarantine(under.database, INTEGRATION, QUARANTINE_REASONS)
  await under.core.settleAll()
  assert.deepEqual(await quarantined(under), [[BAD.name, 'foreign']])
  assert.deepEqual(await under.held(BAD), { legacy: ORIGINAL, new: 'of somebody else' })
})
