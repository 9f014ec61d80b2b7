import { type Board, known, lines, orZero, rate, stacked, table, timeline } from './board.ts'

/** Of the integration that was chosen. */
const of = (metric: string, more = ''): string => `${metric}{integration="$integration"${more}}`

/** Everything about one integration. */
export const integration: Board = {
  uid: 'crossfade-integration',
  title: 'Crossfade: one integration',
  says: 'One integration: phases, what clients get, each side, mismatches, debts. crossfade explain says why a customer is where it is.',
  variables: [
    {
      name: 'integration',
      label: 'Integration',
      values: 'label_values(crossfade_integration_info, integration)',
      all: false,
    },
  ],
  marks: [
    {
      name: 'Phase changed',
      expr: `max by (cohort) (changes(${of('crossfade_phase_effective')}[1m])) > 0`,
      text: '{{cohort}}',
    },
  ],
  rows: [
    {
      title: 'Phase',
      panels: [
        timeline('What runs', 'The highest phase that runs in each cohort.', 'phase', {
          '{{cohort}}': known(of('crossfade_phase_effective'), 'cohort'),
        }),
        timeline(
          'What the flag asks for',
          'Where it is more than runs, a gate, the guard or a rollback holds it.',
          'phase',
          {
            '{{cohort}}': known(of('crossfade_phase_requested'), 'cohort'),
          },
        ),
        table('About it', 'Owner, stores and the state in the ledger.', 'none', {
          '{{owner}}: {{legacy}} to {{new}}, {{state}}': known(
            of('crossfade_integration_info'),
            'owner, legacy, new, state',
          ),
        }),
        lines('Held back by a gate', '1 for each cohort that waits.', 'none', {
          '{{cohort}} before {{phase}}': orZero(known(of('crossfade_gate_held'), 'cohort, phase')),
        }),
      ],
    },
    {
      title: 'Clients, and each side',
      panels: [
        lines('Requests', 'A second, by operation.', 'ops', {
          '{{operation}}': `sum by (operation) (${rate(of('crossfade_integration_requests_total'))})`,
        }),
        lines('Requests that failed', "Share of all; refused ones are their client's matter.", 'percentunit', {
          failed: `(sum(${rate(of('crossfade_integration_requests_total', ',outcome="failed"'))}) or on () vector(0)) / sum(${rate(of('crossfade_integration_requests_total'))})`,
        }),
        lines('Calls to each side', 'A second: for clients, for comparisons, and second puts.', 'ops', {
          '{{side}}': `sum by (side) (${rate(of('crossfade_integration_calls_total'))})`,
        }),
        lines(
          'Calls to each side that failed',
          'A second. Of the side that does not serve they cost debts, not requests.',
          'ops',
          {
            '{{side}}': orZero(`sum by (side) (${rate(of('crossfade_integration_calls_total', ',outcome="failed"'))})`),
          },
        ),
        lines('Mean time of a read, by side', 'New should not be slower before clients read there.', 's', {
          '{{side}}': `sum by (side) (${rate(of('crossfade_integration_read_seconds_sum'))}) / sum by (side) (${rate(of('crossfade_integration_read_seconds_count'))})`,
        }),
        lines('Reads, by the side that answered', 'What clients were given.', 'ops', {
          '{{by}}': `sum by (by) (${rate(of('crossfade_reads_served_total'))})`,
        }),
      ],
    },
    {
      title: 'Is it right',
      panels: [
        lines('Mismatches found, by class', 'In an hour.', 'none', {
          '{{class}}': `sum by (class) (increase(${of('crossfade_shadow_mismatches_total')}[1h]))`,
        }),
        lines('Comparisons', 'A second, by result. Without any, no news is no good news.', 'ops', {
          '{{result}}': `sum by (result) (${rate(of('crossfade_shadow_comparisons_total'))})`,
        }),
        lines('Guard', 'Its most used budget; at 1 it caps. Empty while legacy is read.', 'percentunit', {
          used: orZero(known(of('crossfade_guard_budget_used_ratio'), 'integration')),
        }),
        lines('Trips of the guard', 'Since the processes started, by the budget that was broken.', 'none', {
          '{{budget}}': `sum by (budget) (${of('crossfade_guard_trips_total')})`,
        }),
      ],
    },
    {
      title: 'Left and owed',
      panels: [
        lines('Secrets', 'Discovered, and of them copied, verified, mismatched, in quarantine, left.', 'none', {
          '{{state}}': known(of('crossfade_secrets'), 'state'),
        }),
        stacked('Debts', 'By the side that is fresh: what a backfill has left, and what one side missed.', 'none', {
          '{{fresh}} is fresh': known(of('crossfade_debts'), 'fresh'),
        }),
        lines('Debts that do not settle', 'Tried three times or more. The other side refuses, or is away.', 'none', {
          stuck: known(of('crossfade_debts_stuck'), 'integration'),
        }),
      ],
    },
  ],
}
