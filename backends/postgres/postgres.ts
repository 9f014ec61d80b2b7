/**
 * A home-grown secrets table, as it is. Its columns are looked up in the catalogue at the first call, and again when they may
 * have changed (ready.ts); the statements are made from that (statements.ts) and prepared by name on each connection.
 */
import type { Clock } from '../../core/clock.ts'
import { failedAs } from '../failure.ts'
import { inRounds } from '../rounds.ts'
import { isPlainAddress } from '../secret-text.ts'
import type { Database } from '../sql/database.ts'
import { gatherGets } from '../sql/gather.ts'
import { clusterIdentity } from '../sql/identity.ts'
import type { Store } from '../store.ts'
import { postgresCapabilities } from './capabilities.ts'
import { checkStore } from './check.ts'
import type { Codec } from './codec.ts'
import type { PostgresConfig } from './config.ts'
import { holdsText } from './holds.ts'
import { makeKey } from './key.ts'
import { makeReads } from './reads.ts'
import { preparing } from './ready.ts'
import { makeScan } from './scan.ts'
import { makeUnaddressable } from './unaddressable.ts'
import { makeWrites } from './writes.ts'

export interface PostgresParts {
  readonly database: Database
  readonly codec: Codec
  readonly clock: Pick<Clock, 'monotonic'>
}

export function makePostgresStore(
  name: string,
  config: PostgresConfig,
  { database, codec, clock }: PostgresParts,
): Store {
  const capabilities = postgresCapabilities(config)
  const looks = preparing(config, database, clock)
  const shape = makeKey(config, null)
  const reads = makeReads(database, looks, codec)
  const writes = makeWrites(database, looks, codec)
  return {
    name,
    kind: 'postgres',
    capabilities,
    get: gatherGets(capabilities.batch.max, reads.getOne, reads.getMany),
    getMany: reads.getMany,
    put: (address, secret, condition, call) => writes.putOne({ address, secret, condition }, call),
    putMany: (puts, call) => inRounds(puts, (round) => writes.putRound(round, call)),
    remove: writes.remove,
    scan: makeScan(database, looks),
    unaddressable: makeUnaddressable(database, looks),
    names: (address) => {
      const isNamed = isPlainAddress(address) && (looks.known()?.mapping.key ?? shape).valuesOf(address) !== null
      // A type may have been widened since the table was looked up: the next one is told by what it is now.
      if (!isNamed) void looks.anew({ deadline: clock.monotonic() + config.deadline })
      return isNamed
    },
    holds: (secret) => holdsText(codec, config, looks.known(), secret),
    ping: async (call) => {
      // So that `names` and `holds` know the table before the first write.
      await looks.prepare(call)
      const answer = await database.ask({ name: 'crossfade_ping', text: 'SELECT 1' }, [], call)
      return answer.kind === 'failed' ? failedAs(answer.failure) : { kind: 'ok' }
    },
    identity: (call) => clusterIdentity(database, call),
    check: (call, depth) => checkStore({ database, config, codec, looks }, call, depth),
    close: () => database.close(),
  }
}
