import { THROTTLE_WORDS } from '../../migrator/pace/pace.ts'
import type { Run } from '../../proxy/ops/work.ts'

/** Below this share an estimate of the time left is noise. */
const ETA_FROM = 0.01

/**
 * One line on a run, in the manner of gh-ost: what is copied, what is verified, the pace, the time so far, the state
 * with what throttles it, and the time left of this stage once 1 % of it is done.
 */
export const progressLine = (run: Run, now: number): string => {
  // Of what is finalized or abandoned the rows go, and with them what could be counted.
  const counts = run.stage === 'drop' ? null : run.counts
  const parts = [
    ...(counts === null ? [] : [`Copy: ${ratio(counts.copied, counts.copied + counts.left)}`]),
    ...(counts === null ? [] : [`Verified: ${counts.verified}`]),
    ...(counts === null || counts.quarantined === 0 ? [] : [`Quarantined: ${counts.quarantined}`]),
    ...(run.stage === 'backfill' && counts !== null ? [] : [`${STAGES[run.stage]}: ${ratio(run.done, run.total)}`]),
    ...(run.per_second === null ? [] : [`Rate: ${Math.round(run.per_second)}/s`]),
    `Time: ${duration(elapsed(run, now))}`,
    `State: ${stateOf(run)}`,
    ...eta(run),
  ]
  return parts.join('; ')
}

const STAGES = {
  enrol: 'Enrol',
  inventory: 'Inventory',
  backfill: 'Copy',
  verify: 'Verify',
  prove: 'Proof',
  drain: 'Drain',
  switch: 'Switch',
  drop: 'Drop',
} as const satisfies Record<Run['stage'], string>

/** `460/752 61.2%`; only what is done while the total is not known. */
export const ratio = (done: number, total: number | null): string => {
  if (total === null) return String(done)
  return `${done}/${total} ${(total === 0 ? 100 : (done / total) * 100).toFixed(1)}%`
}

const elapsed = (run: Run, now: number): number => {
  const end = run.ended_at === null ? now : Date.parse(run.ended_at)
  return Math.max(0, (end - Date.parse(run.started_at)) / 1000)
}

const stateOf = ({ outcome, stage, throttled_by }: Run): string => {
  if (outcome === 'queued' && throttled_by !== null) return `queued, ${throttled_by}`
  if (outcome !== 'running') return outcome
  if (throttled_by === null) return stage
  return `${stage}, ${THROTTLES.has(throttled_by) ? 'throttled by' : 'waits for'} ${throttled_by}`
}

/** What slows it down by design; all else that holds it up is waited for. */
const THROTTLES: ReadonlySet<string> = new Set(Object.values(THROTTLE_WORDS))

const eta = ({ outcome, done, total, eta_seconds }: Run): readonly string[] => {
  if (outcome !== 'running') return []
  const known = eta_seconds !== null && total !== null && total > 0 && done / total >= ETA_FROM
  return [known ? `ETA: ${duration(eta_seconds)}` : 'ETA: not known yet']
}

/** `9s`, `1m19s`, `2h05m`, from seconds. */
export const duration = (seconds: number): string => {
  const whole = Math.round(seconds)
  const two = (n: number): string => String(n).padStart(2, '0')
  if (whole < 60) return `${whole}s`
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`
  return `${Math.floor(whole / 3600)}h${two(Math.floor((whole % 3600) / 60))}m`
}
