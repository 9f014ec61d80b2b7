import type { IntegrationStatus, Latency, Status } from '../../proxy/ops/status.ts'
import { columns } from './columns.ts'
import { COLUMNS, type CountGroup } from './count-groups.ts'
import { type Pace, paceCells } from './pace.ts'
import type { Paint } from './paint.ts'
import { printable } from './printable.ts'
import { stillNewWords } from './still-new.ts'

/** Of a table that is shown again and again: the pace of each key. */
export type PaceOf = (key: string) => Pace

/**
 * What `status` prints: a line for each integration and phase that its cohorts run, then latencies by side. With paces, how fast
 * each integration counts down and how long that will take.
 */
export const renderStatus = (status: Status, paint: Paint, paceOf: PaceOf | null = null): string => {
  const rows = status.integrations.flatMap((integration) => {
    const pace = paceOf === null ? [] : paceCells(paceOf(integration.integration))
    return integrationRows(integration, paint, pace)
  })
  const latencies = status.latencies.filter(({ count }) => count > 0).map(latencyRow)
  return [
    columns([...HEADING, ...(paceOf === null ? [] : PACE_HEADING), 'WHY'], rows),
    ...(latencies.length === 0 ? [] : ['\n', columns(LATENCY_HEADING, latencies)]),
    ...bypassLines(status),
    ...[
      ...awayLines(status),
      ...configuredLines(status),
      ...capLines(status),
      ...stillNewLines(status),
      ...quarantineLines(status),
      ...unaddressableLines(status),
      ...stuckLines(status),
    ].map((line) => `\n${line}\n`),
  ].join('')
}

const HEADING = [
  'INTEGRATION',
  'OWNER',
  'STATE',
  'COHORT',
  'PHASE',
  'COPIED',
  'VERIFIED',
  'OWING',
  'MISMATCHES',
] as const
const PACE_HEADING = ['RATE', 'TIME LEFT'] as const

/** What `status --by` prints: counts alone, added up. */
export const renderGroups = (by: string, groups: readonly CountGroup[], paceOf: PaceOf | null = null): string => {
  const heading = [by.toUpperCase(), 'INTEGRATIONS', ...COLUMNS.map(([, title]) => title)]
  const rows = groups.map((group) => [
    group.key,
    String(group.integrations),
    ...COLUMNS.map(([key]) => String(group.counts[key])),
    ...(paceOf === null ? [] : paceCells(paceOf(group.key))),
  ])
  return columns([...heading, ...(paceOf === null ? [] : PACE_HEADING)], rows)
}

/** Whom to look for, where a verify found what no proxied write has made. */
const bypassLines = ({ integrations }: Status): readonly string[] =>
  integrations.flatMap(({ integration, bypass }) =>
    bypass === null
      ? []
      : [`\n${integration}: ${bypass.secrets} secrets were changed past the proxy, last seen ${bypass.last_seen}\n`],
  )

/** Before anything else is looked for: whose outage this may be. */
const awayLines = ({ away, integrations }: Status): readonly string[] => [
  ...(away.ledger
    ? ['the ledger does not answer: nothing is counted, and writes of what is enrolled are refused until it is back']
    : []),
  ...away.stores.map((store) => `store ${store} does not answer: ${sidesOf(store, integrations)}`),
  ...away.unfit.map(({ store, detail, stops }) => `store ${store} ${UNFIT[stops]}: ${detail}`),
]

const UNFIT = { all: 'is not served', writes: 'takes no writes', nothing: 'cannot be checked now' } as const

/** What no configuration names, and who runs something else than the replica that answers. */
const configuredLines = ({ configured }: Status): readonly string[] => [
  ...configured.problems.map((words) => `not ready, configured otherwise than it was enrolled: ${words}`),
  ...configured.left_out.map(
    ({ integration, state }) =>
      `the ledger holds ${integration} (${state}), and the configuration does not name it: configure it, or crossfade integrations rename ${integration} NEW`,
  ),
  ...configured.differing.flatMap(({ replica, words }) => words.map((word) => `replica ${replica} ${word}`)),
]

const sidesOf = (store: string, integrations: Status['integrations']): string => {
  const sides = (['legacy', 'new'] as const).filter((side) => integrations.some(({ stores }) => stores[side] === store))
  return `it is ${sides.join(' and ')}; what it owes is settled when it is back`
}

/** Debts that do not settle: which, and why. */
const stuckLines = ({ stuck = [] }: Status): readonly string[] =>
  stuck.map(
    ({ integration, customer, name, attempts, reason }) =>
      `${printable(`${integration}/${customer}/${name}`)} stays owing after ${attempts} attempts: ${reason}`,
  )

/** No inventory sees them, so nothing above tells of them either. */
const unaddressableLines = ({ unaddressable = [] }: Status): readonly string[] =>
  unaddressable.map(
    ({ integration, why, count }) => `${integration}: ${count} secrets of legacy ${why} and are not carried over`,
  )

/** They count neither as copied nor as left, so nothing above tells of them. */
const quarantineLines = ({ integrations }: Status): readonly string[] =>
  integrations.flatMap(({ integration, counts }) =>
    counts === null || counts.quarantined === 0
      ? []
      : [`${integration}: ${counts.quarantined} secrets are in quarantine: crossfade quarantine list ${integration}`],
  )

/** Where anything is capped: on how many replicas that runs. */
const capLines = ({ caps, integrations }: Status): readonly string[] => {
  if (integrations.every((integration) => integration.caps.length === 0)) return []
  const durable = caps.durable ? '' : '; not durable yet: the ledger is down'
  return [`the caps run on ${caps.applied} of ${caps.of} replicas${durable}`]
}

/** What new answers although legacy is read first, whether a cap or a flag led back. */
const stillNewLines = ({ integrations }: Status): readonly string[] =>
  integrations.flatMap(({ integration, still_new }) =>
    still_new === null || still_new.secrets === 0 ? [] : [`${integration}: ${stillNewWords(still_new)}`],
  )

const integrationRows = (
  integration: IntegrationStatus,
  paint: Paint,
  pace: readonly string[],
): readonly (readonly string[])[] => {
  const { counts, cohorts, open_mismatches } = integration
  const mismatches = open_mismatches === 0 ? '0' : paint('red', String(open_mismatches))
  const copied = counts === null ? '-' : `${counts.copied}/${counts.copied + counts.left}`
  const figures = [copied, String(counts?.verified ?? '-'), String(counts?.owing ?? '-'), mismatches, ...pace]
  return mergeCohorts(cohorts).map(({ names, phase, why }, index) =>
    index === 0
      ? [
          integration.integration,
          integration.owner ?? '-',
          integration.state,
          names,
          phaseCell(phase, paint),
          ...figures,
          why,
        ]
      : ['', '', '', names, phaseCell(phase, paint), ...figures.map(() => ''), why],
  )
}

interface PhaseGroup {
  readonly names: string
  readonly phase: { readonly requested: string | null; readonly effective: string; readonly runs: string }
  readonly why: string
}

/** Cohorts that run the same phase for the same reason share a line; most of the time that is all of them. */
const mergeCohorts = (cohorts: IntegrationStatus['cohorts']): readonly PhaseGroup[] => {
  const groups = Object.groupBy(cohorts, ({ requested, runs, why }) => JSON.stringify([requested, runs, why]))
  return Object.values(groups).flatMap((members) => {
    const [first] = members ?? []
    if (first === undefined) return []
    const names = members?.length === cohorts.length ? 'all' : (members ?? []).map(({ cohort }) => cohort).join(',')
    return [{ names, phase: first, why: first.why }]
  })
}

const phaseCell = ({ requested, effective, runs }: PhaseGroup['phase'], paint: Paint): string => {
  if (requested === effective) return runs
  return paint('yellow', `${runs} (asked: ${requested ?? 'nothing'})`)
}

const LATENCY_HEADING = ['WHERE', 'OPERATION', 'PHASE', 'COUNT', 'P50', 'P99', 'OUTCOMES']

const latencyRow = (row: Latency): readonly string[] => [
  row.side === null ? 'clients' : `${row.side}${row.store === null ? '' : ` (${row.store})`}`,
  row.operation,
  row.phase ?? '-',
  String(row.count),
  milliseconds(row.p50_seconds),
  milliseconds(row.p99_seconds),
  Object.entries(row.outcomes)
    .map(([outcome, count]) => `${outcome} ${count}`)
    .join(', '),
]

const milliseconds = (seconds: number | null): string => (seconds === null ? '-' : `${(seconds * 1000).toFixed(1)}ms`)
