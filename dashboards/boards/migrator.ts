import { type Board, known, lines, orZero, rate, stacked } from './board.ts'

/** What the work of the migration does, and how it gets on. */
export const migrator: Board = {
  uid: 'crossfade-migrator',
  title: 'Crossfade: migrator',
  says: 'Inventory, backfill, verify and settling, over all integrations and processes.',
  variables: [],
  marks: [],
  rows: [
    {
      title: 'Work',
      panels: [
        lines('Runs on their way', 'By kind, over all processes.', 'none', {
          '{{kind}}': orZero('sum by (kind) (crossfade_runs_active)'),
        }),
        lines('Runs that ended', 'Since the processes started. Partial ones go on with the same command.', 'none', {
          '{{kind}} {{outcome}}': orZero('sum by (kind, outcome) (crossfade_runs_total)'),
        }),
        lines('Secrets settled', 'A second, by what became of them. The backfill is settling, too.', 'ops', {
          '{{result}}': orZero(`sum by (result) (${rate('crossfade_settles_total')})`),
        }),
        lines('Names read by inventories', 'A second, by side.', 'ops', {
          '{{side}}': orZero(`sum by (side) (${rate('crossfade_inventory_names_total')})`),
        }),
        lines('Rows verified', 'A second, by what was found.', 'ops', {
          '{{result}}': orZero(`sum by (result) (${rate('crossfade_verify_rows_total')})`),
        }),
        lines('Held back, by what', 'Seconds a second that passes wait for their pace, over all processes.', 'none', {
          '{{by}}': orZero(`sum by (by) (${rate('crossfade_migrator_throttled_seconds_total')})`),
        }),
        lines('Rate that the pace allows', 'Secrets a second, all processes; 0 where nothing limits.', 'ops', {
          '{{integration}}': orZero('topk(10, sum by (integration) (crossfade_migrator_rate_limit))'),
        }),
        lines('Passes on their way', 'Of runs and of the settler, over all processes.', 'none', {
          passes: 'sum(crossfade_migrator_passes)',
        }),
        lines('Passes of the settler that failed', 'Mostly because the ledger did not answer.', 'ops', {
          failed: `sum(${rate('crossfade_settler_errors_total')})`,
        }),
      ],
    },
    {
      title: 'What is left',
      panels: [
        stacked('Left, by integration', 'The ten with most.', 'none', {
          '{{integration}}': `topk(10, ${known('crossfade_secrets{state="left"}', 'integration')})`,
        }),
        stacked('Debts, by the side that is fresh', 'Over all integrations.', 'none', {
          '{{fresh}} is fresh': `sum by (fresh) (${known('crossfade_debts', 'integration, fresh')})`,
        }),
        lines('Workers', 'Processes that copy and settle. None: debts stay.', 'none', {
          alive: 'max(crossfade_workers_live)',
        }),
        lines('Debts that do not settle', 'The ten integrations with most.', 'none', {
          '{{integration}}': `topk(10, ${known('crossfade_debts_stuck', 'integration')})`,
        }),
        lines('In quarantine', 'They stay behind until somebody decides: crossfade quarantine list.', 'none', {
          '{{integration}}': `topk(10, ${known('crossfade_secrets{state="quarantined"}', 'integration')})`,
        }),
      ],
    },
  ],
}
