import { type Board, known, lines, ofOwners, orZero, rate, stacked, stat, table } from './board.ts'

const SECRETS = known('crossfade_secrets', 'integration, state')
const LEFT = known('crossfade_secrets{state="left"}', 'integration')
const MISMATCHED = known('crossfade_secrets{state="mismatched"}', 'integration')

/** How far is the migration, is it right, and what holds it? */
export const overview: Board = {
  uid: 'crossfade-overview',
  title: 'Crossfade: migration',
  says: 'How far the migration is, whether it is right, and what holds it. Start here.',
  variables: [{ name: 'owner', label: 'Owner', values: 'label_values(crossfade_integration_info, owner)', all: true }],
  marks: [
    {
      name: 'Phases that changed',
      expr: 'sum by (integration) (changes(crossfade_phase_effective[1m])) > 0',
      text: '{{integration}}',
    },
  ],
  rows: [
    {
      title: 'How far',
      panels: [
        stacked(
          'Integrations by phase',
          'By the highest phase that runs in any of their cohorts. It moves to the right over weeks; a step back is a rollback or the guard.',
          'none',
          { '{{phase}}': known('crossfade_integrations', 'phase') },
        ),
        lines(
          'Burndown',
          'Secrets of the chosen owners: discovered, on both sides, verified, and left. Left goes to 0; a line that stays flat is a backfill that stopped.',
          'none',
          { '{{state}}': `sum by (state) (${ofOwners(SECRETS)})` },
        ),
        stat(
          'Secrets left',
          'Not on both sides yet.',
          'none',
          { left: orZero(`sum(${ofOwners(LEFT)})`) },
          { width: 4 },
        ),
        stat(
          'Done in, at the pace of the last hour',
          'Secrets left over what became less of them in an hour; a year at most, which stands for: it does not move.',
          's',
          {
            estimated: orZero(
              'clamp_max(sum(max by (integration) (crossfade_secrets{state="left"})) / clamp_min(-sum(min by (integration) (deriv(crossfade_secrets{state="left"}[1h]))), 0.00001), 31536000)',
            ),
          },
          { width: 4 },
        ),
        table('Left, by owner', 'Whose integrations have how many secrets left.', 'none', {
          '{{owner}}': `sum by (owner) ((${LEFT}) * on (integration) group_left (owner) ${known('crossfade_integration_info{owner=~"$owner"}', 'integration, owner')})`,
        }),
      ],
    },
    {
      title: 'Is it right',
      panels: [
        lines(
          'Mismatches found, by class',
          'A second, while nothing was written. Any at all wants to be looked at before a phase moves on.',
          'ops',
          { '{{class}}': `sum by (class) (${rate('crossfade_shadow_mismatches_total')})` },
        ),
        lines(
          'Share of comparisons that differ',
          'The ten worst integrations. Alerts burn a budget of 0.1 %.',
          'percentunit',
          {
            '{{integration}}': `topk(10, sum by (integration) (${rate('crossfade_shadow_comparisons_total{result="mismatch"}')}) / sum by (integration) (${rate('crossfade_shadow_comparisons_total')}) > 0) or on () vector(0)`,
          },
        ),
        table(
          'Open mismatches',
          'Secrets whose sides differ, not settled and not resolved: crossfade mismatches INTEGRATION shows them.',
          'none',
          { '{{integration}}': orZero(`topk(20, ${ofOwners(MISMATCHED)} > 0)`) },
        ),
        lines('Reads, by the side that answered', 'Of enrolled integrations. The migration is this crossing.', 'ops', {
          '{{by}}': `sum by (by) (${rate('crossfade_reads_served_total')})`,
        }),
      ],
    },
    {
      title: 'What holds it',
      panels: [
        lines('Caps', 'What lowers a phase now: a gate, the guard, a rollback.', 'none', {
          '{{kind}}': known('crossfade_caps', 'kind'),
        }),
        lines('Cohorts that a gate holds', 'Before which phase. crossfade gates list says what is lacking.', 'none', {
          'before {{phase}}': orZero(`sum by (phase) (${known('crossfade_gate_held', 'integration, cohort, phase')})`),
        }),
        lines('Integrations whose flag is not followed', 'By why their last phase stands.', 'none', {
          '{{reason}}': known('crossfade_flag_held_integrations', 'reason'),
        }),
        stat(
          'Age of the flags',
          'Since the source last proved that they are current, on the replica that is furthest behind.',
          's',
          { age: 'time() - min(crossfade_flag_source_last_success_timestamp_seconds)' },
          { width: 6 },
        ),
        stat(
          'Trips of the guard',
          'Since the processes started. Each capped a cohort.',
          'none',
          { '{{budget}}': 'sum by (budget) (crossfade_guard_trips_total)' },
          { width: 6 },
        ),
        lines('Guard: most used budget', 'Of integrations in which new is read. At 1 the guard caps.', 'percentunit', {
          '{{integration}}': orZero(`topk(10, ${known('crossfade_guard_budget_used_ratio', 'integration')})`),
        }),
      ],
    },
  ],
}
