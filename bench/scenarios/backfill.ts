import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { readSecretFile } from '../../backends/key-file.ts'
import { outliving } from '../../backends/sql/database.ts'
import { loadConfig } from '../../bin/config/load.ts'
import { LEGACY_TABLE } from '../../bin/embedded/sample/legacy.ts'
import { YOUNG_OPTION } from '../../bin/heap.ts'
import { fillLegacy } from '../fill-legacy.ts'
import { runNode } from '../process.ts'
import { type Bench, defineScenario, type System } from '../scenario.ts'
import { median, rounded } from '../statistics.ts'
import { measureBao } from './backfill-bao.ts'
import type { Copied } from './backfill-copier.ts'
import { startStores } from './ledger-stores.ts'

const COPIER = fileURLToPath(new URL('./backfill-copier.ts', import.meta.url))
const INTEGRATION = 'aws'
const ONE_BY_ONE = 3000
const ROUNDS = 3
const SMALL = 10_000
const LARGE = 1_000_000

/** A server, its databases by role, and the configuration that a copier reads. */
interface Stage {
  readonly config: string
  readonly legacy: pg.Pool
  readonly fresh: pg.Pool
  readonly ledger: pg.Pool
  readonly bench: Bench
}

const poolOf = (section: object): pg.Pool => {
  const { url, password_file: file } = section as { readonly url: string; readonly password_file?: string }
  const target = new URL(url)
  if (file !== undefined) target.password = encodeURIComponent(readSecretFile(file))
  // A pool that ended may still have a connection that the server, stopping, cuts.
  return outliving(new pg.Pool({ connectionString: target.href, max: 1 }))
}

const openStage = (config: string, bench: Bench): Stage => {
  const { ledger, stores, integrations } = loadConfig(config, process.env)
  const { legacy = '', new: fresh = '' } = integrations[INTEGRATION] ?? {}
  return {
    config,
    bench,
    ledger: poolOf(ledger),
    legacy: poolOf(stores[legacy] ?? {}),
    fresh: poolOf(stores[fresh] ?? {}),
  }
}

/** Every copy begins with a new ledger, an empty target, and a source that was just written and analysed. */
async function prepare({ legacy, fresh, ledger }: Stage, secrets: number): Promise<void> {
  await ledger.query('drop schema if exists crossfade cascade')
  await fresh.query('drop schema if exists sealed cascade')
  await legacy.query(`truncate ${LEGACY_TABLE}`)
  await fillLegacy(legacy, INTEGRATION, secrets)
  await legacy.query(`vacuum analyze ${LEGACY_TABLE}`)
  await legacy.query('checkpoint')
}

async function run(stage: Stage, way: string, secrets: number, config = stage.config): Promise<Copied> {
  await prepare(stage, secrets)
  const line = await runNode([YOUNG_OPTION, COPIER, config, way, String(secrets)], stage.bench.signal)
  const copied = JSON.parse(line) as Copied
  if (copied.secrets !== secrets) throw new Error(`${way} copied ${copied.secrets} of ${secrets}`)
  stage.bench.note(`${way}: ${secrets} secrets, ${Math.round(secrets / copied.seconds)}/s`)
  return copied
}

const perSecond = ({ secrets, seconds }: Copied): number => secrets / seconds

export const backfill = defineScenario({
  name: 'backfill',
  about:
    'Copying from PostgreSQL to sealed, beside COPY and one secret at a time; to OpenBao, beside its server alone.',
  systems: { stores: startStores },
  drive: async ({ stores }: { readonly stores: System }, bench) => {
    const stage = openStage(stores.url, bench)
    try {
      const rounds: Record<'copy' | 'one_by_one' | 'crossfade', Copied>[] = []
      for (let round = 0; round < ROUNDS; round++) {
        rounds.push({
          copy: await run(stage, 'copy', bench.secrets),
          one_by_one: await run(stage, 'one_by_one', Math.min(ONE_BY_ONE, bench.secrets)),
          crossfade: await run(stage, 'crossfade', bench.secrets),
        })
      }
      const of = (figure: (round: (typeof rounds)[number]) => number) => rounded(median(rounds.map(figure)))
      const vs_copy = of(({ crossfade, copy }) => perSecond(crossfade) / perSecond(copy))
      const vs_one_by_one = of(({ crossfade, one_by_one }) => perSecond(crossfade) / perSecond(one_by_one))
      const small = bench.scale ? await run(stage, 'crossfade', SMALL) : null
      const large = bench.scale ? await run(stage, 'crossfade', LARGE) : null
      const scale = small && large
      const bao = await measureBao({
        config: stage.config,
        signal: bench.signal,
        note: bench.note,
        copy: (config, secrets) => run(stage, 'crossfade', secrets, config),
      })
      // Every copy was counted, or this would have been rejected; the goals are said, and are no condition.
      return {
        holds: true,
        figures: {
          goals: { vs_copy: 0.1, vs_one_by_one: 10, rss_ratio_1m_10k: 1.2, cost_ratio_1m_10k: 1.2 },
          secrets: bench.secrets,
          copy_per_s: of(({ copy }) => perSecond(copy)),
          one_by_one_per_s: of(({ one_by_one }) => perSecond(one_by_one)),
          crossfade_per_s: of(({ crossfade }) => perSecond(crossfade)),
          inventory_per_s: of(({ crossfade }) => crossfade.secrets / (crossfade.inventory_seconds ?? 1)),
          vs_copy,
          vs_one_by_one,
          rss_ratio_1m_10k: scale ? rounded(large.rss_bytes / small.rss_bytes) : null,
          cost_ratio_1m_10k: scale ? rounded(perSecond(small) / perSecond(large)) : null,
          kv2: bao?.kv2 ?? null,
          transit: bao?.transit ?? null,
        },
      }
    } finally {
      await Promise.all([stage.legacy.end(), stage.fresh.end(), stage.ledger.end()])
    }
  },
})
