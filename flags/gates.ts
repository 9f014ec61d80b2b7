import type { GateConditions, GatesConfig } from './gates-config.ts'
import { PHASES, type Phase, phaseRank } from './phase.ts'

/*
 * A gate is asked before a cohort enters its phase, or any phase beyond it; never on the way back, and never again while the
 * cohort runs there. It is about quality, not safety: any mix of phases is safe. Pure: figures in, what is lacking out.
 */

/** What is known of one cohort of one integration. */
export interface GateFigures {
  /** Every name on either side is known; before that no share of anything means something. */
  readonly inventoried: boolean
  /** Secrets that are not deleted, without those that an operator accepted to leave behind. */
  readonly secrets: number
  /** Held by both sides. */
  readonly copied: number
  /** Held by both sides and verified since their last change, or written to both after the last full verify began. */
  readonly verified: number
  /** In quarantine, and nobody accepted that. */
  readonly quarantined: number
  /** Of them, one side owes the latest value. */
  readonly debts: number
  /** Open stable differences. */
  readonly mismatches: number
  /** Shadow comparisons since the cohort entered shadow, over all replicas. */
  readonly comparisons: number
  /** A verify of the whole integration ended without a difference. */
  readonly fullVerify: boolean
  /** Secrets of the integration that somebody changed past the proxy, found since the last full verify that found nothing. */
  readonly bypassed: number
  /** ms since the epoch: the last of these findings. */
  readonly bypassSeenAt: number | null
}

/** One condition that does not hold, for people: the figures, and the command that helps. */
export interface Wait {
  readonly condition: GateCondition
  readonly text: string
  readonly next: string
}

export const GATE_CONDITIONS = [
  'copied',
  'verified',
  'comparisons',
  'stable_mismatches',
  'no_bypass',
  'debts',
  'soak',
] as const
export type GateCondition = (typeof GATE_CONDITIONS)[number]

export interface GateSubject {
  readonly integration: string
  readonly cohort: string
  /** The phase that the gate guards. */
  readonly phase: Phase
}

/** null: the ledger did not tell; then nothing that needs them holds. */
export interface GateFacts {
  readonly figures: GateFigures | null
  /** ms for which the cohort has run the step before without a break; null: it does not run it. */
  readonly soaked: number | null
}

/** The step whose running counts as the soak of a phase: the one before, except that who skips rampdown soaks in live. */
export const SOAKS_IN = {
  off: 'off',
  dualwrite: 'off',
  shadow: 'dualwrite',
  live: 'shadow',
  rampdown: 'live',
  complete: 'live',
} as const satisfies Record<Phase, Phase>

type Judge = (conditions: GateConditions, facts: GateFacts, subject: GateSubject) => Omit<Wait, 'condition'> | null

const JUDGES: Readonly<Record<GateCondition, Judge>> = {
  copied: ({ copied }, { figures }, { integration }) =>
    copied === undefined ? null : share('copied', copied, integration, 'migrate', figures, (known) => known.copied),
  verified: ({ verified }, { figures }, { integration }) =>
    verified === undefined
      ? null
      : share('verified', verified, integration, 'verify', figures, (known) => known.verified),
  comparisons: ({ comparisons, or_full_verify = false }, { figures }, { integration }) => {
    if (comparisons === undefined || comparisons === 0) return null
    const next = or_full_verify ? `crossfade verify ${integration} ${EXECUTE}` : `crossfade status ${integration} -w`
    if (figures === null) return { text: UNKNOWN('comparisons'), next }
    if (figures.comparisons >= comparisons || (or_full_verify && figures.fullVerify)) return null
    const instead = or_full_verify ? ', and no full verify without a difference' : ''
    return { text: `comparisons ${figures.comparisons} of ${comparisons}${instead}`, next }
  },
  stable_mismatches: ({ stable_mismatches: most }, { figures }, { integration }) => {
    const next = `crossfade mismatches ${integration}`
    if (most === undefined) return null
    if (figures === null) return { text: UNKNOWN('stable mismatches'), next }
    return figures.mismatches <= most
      ? null
      : { text: `stable mismatches ${figures.mismatches}, at most ${most}`, next }
  },
  no_bypass: ({ no_bypass }, { figures }, { integration }) => {
    const next = `crossfade verify ${integration} ${EXECUTE}`
    if (no_bypass !== true) return null
    if (figures === null) return { text: UNKNOWN('bypass'), next }
    const { bypassed, bypassSeenAt } = figures
    if (bypassed === 0) return null
    const seen = bypassSeenAt === null ? '' : `, last seen ${new Date(bypassSeenAt).toISOString()}`
    return {
      text: `bypass: ${bypassed} secrets changed past the proxy${seen}, and no full verify without one since`,
      next,
    }
  },
  debts: ({ debts: most }, { figures }, { integration }) => {
    const next = `crossfade status ${integration} -w`
    if (most === undefined) return null
    if (figures === null) return { text: UNKNOWN('debts'), next }
    return figures.debts <= most ? null : { text: `debts ${figures.debts}, at most ${most}`, next }
  },
  soak: ({ soak }, { soaked }, { integration, phase }) => {
    if (soak === undefined || soak === 0) return null
    const step = SOAKS_IN[phase]
    const next = `crossfade status ${integration} -w`
    if (soaked === null) return { text: `soak: does not run ${step} yet, ${inWords(soak)} of it are asked`, next }
    if (soaked >= soak) return null
    return {
      text: `soak ${inWords(Math.floor(soaked / 1000) * 1000)} of ${inWords(soak)} in ${step}: ${inWords(soak - soaked)} left`,
      next,
    }
  },
}

const EXECUTE = '--execute --reason "..."'
const migrateIt = (integration: string): string => `crossfade migrate ${integration} ${EXECUTE}`
const UNKNOWN = (what: string): string => `${what} not known: the ledger does not tell`

function share(
  word: 'copied' | 'verified',
  least: number,
  integration: string,
  verb: 'migrate' | 'verify',
  figures: GateFigures | null,
  pick: (figures: GateFigures) => number,
): Omit<Wait, 'condition'> | null {
  const next = verb === 'migrate' ? migrateIt(integration) : `crossfade verify ${integration} ${EXECUTE}`
  if (least === 0) return null
  if (figures === null) return { text: UNKNOWN(word), next }
  if (!figures.inventoried) return { text: `${word}: no inventory was taken`, next: migrateIt(integration) }
  const have = pick(figures)
  if (figures.secrets === 0 || have / figures.secrets >= least) return null
  const left = Math.ceil(least * figures.secrets) - have
  // Rounded down: 99.96 % must not read as 100.0 %.
  const percent = Math.floor((1000 * have) / figures.secrets) / 10
  const text = `${word} ${percent} % of ${round(100 * least)} %: ${left} of ${figures.secrets} left`
  if (figures.quarantined < left) return { text, next }
  return { text: `${text}, ${figures.quarantined} in quarantine`, next: `crossfade quarantine list ${integration}` }
}

const round = (value: number): number => Math.round(10 * value) / 10

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const

/** The two largest units, rounded up: a soak never reads as over while it is not. */
export function inWords(ms: number): string {
  const seconds = Math.ceil(ms / 1000) * 1000
  const at = UNITS.findIndex(([, size]) => seconds >= size)
  if (at < 0) return '0s'
  const [first, second] = [UNITS[at], UNITS[at + 1]] as const
  if (first === undefined) return '0s'
  const rest = second === undefined ? 0 : Math.floor((seconds % first[1]) / second[1])
  return `${Math.floor(seconds / first[1])}${first[0]}${rest > 0 ? ` ${rest}${second?.[0]}` : ''}`
}

/** What is lacking to pass one gate; empty: it is open. */
export const judgeGate = (
  conditions: GateConditions | undefined,
  facts: GateFacts,
  subject: GateSubject,
): readonly Wait[] =>
  conditions === undefined
    ? []
    : GATE_CONDITIONS.flatMap((condition) => {
        const lacking = JUDGES[condition](conditions, facts, subject)
        return lacking === null ? [] : [{ condition, ...lacking }]
      })

export const asksAnything = (conditions: GateConditions | undefined): boolean =>
  conditions !== undefined && Object.values(conditions).some((value) => value !== undefined)

/** The highest phase that can be reached from `from` without passing a gate that asks anything. */
export const freeUpTo = (gates: GatesConfig, from: Phase): Phase => {
  const closed = PHASES.find((phase) => phaseRank(phase) > phaseRank(from) && asksAnything(gates[phase]))
  return closed === undefined ? 'complete' : (PHASES[phaseRank(closed) - 1] ?? 'off')
}

/** The gate that stands next after `from`; null: none does. */
export const nextGate = (gates: GatesConfig, from: Phase): Phase | null =>
  PHASES.find((phase) => phaseRank(phase) > phaseRank(from) && asksAnything(gates[phase])) ?? null
