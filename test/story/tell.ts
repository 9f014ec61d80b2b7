import { makeRandom } from '../../bin/embedded/sample/random.ts'
import { SAMPLE_DEFAULTS, sampleSecrets } from '../../bin/embedded/sample/secrets.ts'
import type { Clock } from '../../core/clock.ts'
import { comparesAlone } from '../pairs/pair.ts'
import { makeBoard } from './board.ts'
import { checkLegacy, checkListings, checkThroughProxy } from './checks.ts'
import { act, makeMix, type World } from './client.ts'
import { contentOf } from './content.ts'
import { makeEtags } from './etags.ts'
import { makeExpectations } from './expectations.ts'
import { makeFindings } from './findings.ts'
import { makeOperator, type Operator, waitUntil } from './operator.ts'
import type { Order } from './order.ts'
import { makeReport, type Report } from './report.ts'
import { sabotage } from './sabotage.ts'
import { STAGES } from './stages.ts'
import { type StorySystem, startSystem } from './system.ts'
import { makeTargets } from './targets.ts'

export interface Teller {
  readonly clock: Clock
  readonly note: (text: string) => void
  readonly signal: AbortSignal
}

const SETTLE_MS = 30_000
const LISTED_CUSTOMERS = 40

/** Starts a fresh system, tells the whole story on it, and stops it. Rejects if it cannot be told to its end. */
export async function tell(order: Order, teller: Teller): Promise<Report> {
  const started = teller.clock.monotonic()
  teller.note(`starting an embedded system with ${order.secrets} secrets, ${order.pair}`)
  const system = await startSystem(order, teller.signal)
  try {
    const world = makeWorld(order, system)
    const operator = makeOperator(system.ops, teller.clock, teller.signal)
    teller.note('reading every secret once, before anything moves')
    await checkThroughProxy(world, order.clients, teller.signal)
    await withTraffic(order, world, teller, () => playStages(world, operator, teller))
    await settleDown(system, operator, teller)
    if (order.sabotage > 0) {
      teller.note(`changing ${order.sabotage} secrets in the legacy store`)
      const untouched = world.targets.kept.filter(world.expectations.isUntouched)
      await sabotage(system.legacy, untouched, order.sabotage, order.seed)
    }
    await checkAll(order, world, system, teller)
    const seconds = (teller.clock.monotonic() - started) / 1000
    return makeReport({ ...world, secrets: order.secrets, seconds })
  } finally {
    await system.stop()
  }
}

function makeWorld(order: Order, { secrets: client }: StorySystem): World {
  const sample = [...sampleSecrets({ ...SAMPLE_DEFAULTS, secrets: order.secrets })].map((secret) => ({
    address: { integration: secret.integration, customer: secret.customer, name: secret.name },
    content: contentOf(secret),
  }))
  const expectations = makeExpectations(sample)
  const addresses = sample.map(({ address }) => address)
  return {
    client,
    expectations,
    etags: makeEtags(),
    findings: makeFindings(),
    targets: makeTargets(addresses, expectations.isPresent),
    board: makeBoard(order),
    promised: { conditionalWrites: comparesAlone(order.pair) },
  }
}

/** Clients act while `work` is done; the first failure of either ends both. */
async function withTraffic(order: Order, world: World, { signal }: Teller, work: () => Promise<void>): Promise<void> {
  const stopping = new AbortController()
  const until = AbortSignal.any([stopping.signal, signal])
  const mix = makeMix(order)
  const clients = Array.from({ length: order.clients }, (_, n) =>
    act(world, mix, makeRandom(`client ${n} of ${order.seed}`), until),
  )
  const failed = new Promise<never>((_, reject) => {
    for (const client of clients) client.catch(reject)
  })
  try {
    await Promise.race([work(), failed])
  } finally {
    stopping.abort()
    await Promise.allSettled(clients)
  }
  signal.throwIfAborted()
}

async function playStages(
  { board, promised }: World,
  operator: Operator,
  { clock, note, signal }: Teller,
): Promise<void> {
  for (const stage of STAGES) {
    const started = clock.monotonic()
    signal.throwIfAborted()
    if (stage.opens === 'flip') await operator.flip(stage.phase)
    board.begin(stage)
    if (stage.opens === 'migrate') {
      await operator.migrate(await operator.integrations())
      promised.conditionalWrites = true
    }
    await board.reached(signal)
    board.end()
    note(`${stage.name}: ${describe(board.tallies.at(-1))}, ${((clock.monotonic() - started) / 1000).toFixed(1)} s`)
  }
}

const describe = (tally: World['board']['tallies'][number] | undefined): string =>
  tally === undefined ? '' : `${tally.writes} writes, ${tally.deletes} deletes, ${tally.reads} reads`

/** First what the system does by itself: legacy, which serves, gets what it owes. Then the operator has new caught up. */
async function settleDown(system: StorySystem, operator: Operator, { clock, note, signal }: Teller): Promise<void> {
  const owed = async (): Promise<boolean> => (await system.debts()).every(({ fresh }) => fresh !== 'new')
  await waitUntil({ what: 'legacy to owe nothing', limit: SETTLE_MS, holds: owed, clock, signal })
  note('legacy owes nothing')
  await operator.migrate(await operator.integrations())
  await operator.copied()
  note('both sides are equal')
}

async function checkAll(order: Order, world: World, system: StorySystem, { note, signal }: Teller): Promise<void> {
  const { client, expectations, findings } = world
  note('checking every secret through the proxy and in the legacy store itself')
  await checkThroughProxy(world, order.clients, signal)
  checkLegacy(await system.legacy.read(), expectations, findings)
  await checkListings(client, expectations, findings, LISTED_CUSTOMERS)
}
