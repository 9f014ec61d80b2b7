import PQueue from 'p-queue'
import { isAlike } from '../../flags/admin/alike.ts'
import type { Feature } from '../../flags/definition.ts'
import type { Ask, FlagDesk, Look, Written } from '../../flags/desk.ts'
import { halfOfMoves, openDesk } from '../../flags/open-desk.ts'
import type { Engine } from '../serve/engine.ts'
import { serveFault } from '../serve/faults.ts'

/*
 * Writing flags on the operators' behalf. An answer waits until the change has taken effect here. A file is written in
 * one rename. On a server each flag is a change of its own, and an answer that moves more than `max_moves` would be held
 * by every replica: so only half as many are on their way at a time, whoever asks for them.
 */

export interface FlagWriting {
  /** Flags are changed one by one, and take a while each: ask for one integration at a time to see progress. */
  readonly oneByOne: boolean
  /** Null where nothing can be known of what writing would do: the flags are changed elsewhere. */
  look(asks: readonly Ask[]): Promise<readonly Look[] | null>
  /** In the order of the asks. Rejects with `flags-not-writable` where flags are changed elsewhere. */
  write(asks: readonly Ask[]): Promise<readonly Written[]>
}

export function makeFlagWriting(engine: Engine): FlagWriting {
  const { config, clock, flags } = engine
  const integrations = flags.integrations.length
  const desk = openDesk(config.flags, { clock, integrations })
  if (desk === null) return unwritable(flags.source.origin)
  const look: FlagWriting['look'] = (asks) => desk.look(asks)
  if (config.flags.source === 'file')
    return { oneByOne: false, look, write: (asks) => writeThenSee(engine, desk, asks) }
  const queue = new PQueue({ concurrency: halfOfMoves(config.flags.max_moves ?? null, integrations) })
  const one = async (ask: Ask): Promise<Written> => (await writeThenSee(engine, desk, [ask]))[0] as Written
  return {
    oneByOne: true,
    look,
    write: (asks) => Promise.all(asks.map((ask) => queue.add(() => one(ask)) as Promise<Written>)),
  }
}

const unwritable = (origin: string): FlagWriting => ({
  oneByOne: false,
  look: async () => null,
  write: async () => {
    throw serveFault('flags-not-writable', origin)
  },
})

async function writeThenSee(engine: Engine, desk: FlagDesk, asks: readonly Ask[]): Promise<readonly Written[]> {
  const written = await desk.write(asks)
  const changed = asks.flatMap(({ integration }, index) => {
    const outcome = written[index] as Written
    return outcome.kind === 'written' ? [{ integration, after: outcome.after }] : []
  })
  await seen(engine, changed)
  return written
}

interface Change {
  readonly integration: string
  readonly after: Feature
}

/** How long an answer waits for the changes to take effect here, beyond two looks at the source. */
const PATIENCE_MS = 3000

/** Resolves when every change was accepted or held here, or when patience ends: the answer then says what runs by then. */
async function seen({ flags, clock, config }: Engine, changes: readonly Change[]): Promise<void> {
  const isJudged = ({ integration, after }: Change): boolean => {
    const held = flags.phases.held()?.changes.find((change) => change.integration === integration)
    const now = (held ?? flags.phases.history(integration)[0])?.definition.feature
    return now !== undefined && now.enabled === after.enabled && areAlike(now, after)
  }
  const looks = config.flags.source === 'file' ? config.flags.poll : config.flags.refresh
  const waiting = new AbortController()
  let onSettled = (): void => undefined
  const judged = new Promise<void>((resolve) => {
    onSettled = () => {
      if (changes.every(isJudged)) resolve()
    }
  })
  flags.phases.events.on('settled', onSettled)
  onSettled()
  try {
    await Promise.race([judged, clock.sleep(2 * looks + PATIENCE_MS, waiting.signal).catch(() => undefined)])
  } finally {
    waiting.abort()
    flags.phases.events.off('settled', onSettled)
  }
}

const areAlike = (a: Feature, b: Feature): boolean =>
  a.strategies.length === b.strategies.length &&
  a.strategies.every((strategy, index) => isAlike(strategy, b.strategies[index] as Feature['strategies'][number]))
