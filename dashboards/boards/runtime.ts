import { type Board, lines, orZero, quantile, rate, stacked, stat } from './board.ts'

const counted = (counter: string, by: string): string => orZero(`sum by (${by}) (${rate(counter)})`)

/** The processes, and everything that they talk to. */
export const runtime: Board = {
  uid: 'crossfade-runtime',
  title: 'Crossfade: runtime',
  says: 'Requests, stores, ledger, messages and processes, each with its rate, errors and time.',
  variables: [],
  marks: [],
  rows: [
    {
      title: 'Clients',
      panels: [
        lines('Requests', 'A second, by operation.', 'ops', {
          '{{operation}}': `sum by (operation) (${rate('crossfade_requests_total')})`,
        }),
        lines('Requests, by outcome', 'A second. Failed and unknown are ours; refused is the client.', 'ops', {
          '{{outcome}}': `sum by (outcome) (${rate('crossfade_requests_total')})`,
        }),
        lines('Time of a request', 'From its head to the end of its answer.', 's', {
          '{{operation}} p50': quantile(0.5, 'crossfade_request_duration_seconds', 'operation'),
          '{{operation}} p99': quantile(0.99, 'crossfade_request_duration_seconds', 'operation'),
        }),
        lines('Time of a read, by phase', 'p99: what a phase costs clients.', 's', {
          '{{phase}}': quantile(0.99, 'crossfade_request_duration_seconds', 'phase', '{operation="get"}'),
        }),
        lines('Requests being answered', 'Over all processes.', 'none', {
          'in flight': 'sum(crossfade_requests_in_flight)',
        }),
        lines('Authentication', 'A second, by outcome.', 'ops', {
          '{{outcome}}': `sum by (outcome) (${rate('crossfade_authentications_total')})`,
        }),
        lines('Audit', 'Entries a second, and operations that did not happen because theirs was not written.', 'ops', {
          entries: `sum(${rate('crossfade_audit_entries_total')})`,
          failures: `sum(${rate('crossfade_audit_failures_total')})`,
        }),
      ],
    },
    {
      title: 'Stores',
      panels: [
        lines('Time of a call', 'p99 by store: queue, retry and deadline included.', 's', {
          '{{store}} {{op}}': quantile(0.99, 'crossfade_store_seconds', 'store, op'),
        }),
        lines('Calls, by outcome', 'A second; a batch counts each of its secrets.', 'ops', {
          '{{store}} {{outcome}}': `sum by (store, outcome) (${rate('crossfade_store_outcomes_total')})`,
        }),
        lines('Breakers', '1: calls are refused without being sent. 0.5: it is being pinged.', 'none', {
          '{{store}}': orZero('max by (store) (crossfade_store_breaker_open)'),
        }),
        lines('Calls in flight, and reads sent twice', 'By store; the second should be near 0.', 'none', {
          '{{store}} in flight': 'sum by (store) (crossfade_store_calls_in_flight)',
          '{{store}} {{op}} again, a second': orZero(`sum by (store, op) (${rate('crossfade_store_retries_total')})`),
        }),
        lines('Connections', 'Open, idle, and calls that wait for one.', 'none', {
          '{{store}} {{server}} {{state}}': 'sum by (store, server, state) (crossfade_store_connections)',
        }),
        lines('Statements to PostgreSQL', 'A second, by store and outcome.', 'ops', {
          '{{store}} {{outcome}}': counted('crossfade_store_queries_total', 'store, outcome'),
        }),
        lines('Bytes of secrets', 'To and from each store, as clients know them.', 'Bps', {
          '{{store}} {{direction}}': `sum by (store, direction) (${rate('crossfade_store_value_bytes_total')})`,
        }),
        lines('Bytes of ciphertext', 'What sealed stores write and read.', 'Bps', {
          '{{store}} {{direction}}': counted('crossfade_store_ciphertext_bytes_total', 'store, direction'),
        }),
        lines('Vault and OpenBao: requests', 'A second, by status, with redirects and connections made.', 'ops', {
          '{{store}} {{outcome}}': counted('crossfade_vault_requests_total', 'store, outcome'),
          '{{store}} redirect {{outcome}}': counted('crossfade_vault_redirects_total', 'store, outcome'),
          '{{store}} connects': counted('crossfade_vault_connects_total', 'store'),
        }),
        lines('Vault and OpenBao: logins', 'Each login, renewal and look-up of the own token.', 'ops', {
          '{{store}} {{step}} {{outcome}}': counted('crossfade_vault_logins_total', 'store, step, outcome'),
        }),
        lines('Vault and OpenBao: time of a login', 'p99 by step.', 's', {
          '{{store}} {{step}}': orZero(quantile(0.99, 'crossfade_vault_login_seconds', 'store, step')),
        }),
      ],
    },
    {
      title: 'Ledger and replicas',
      panels: [
        stat('Ledger answers', '0: a replica does not reach it, and refuses writes.', 'none', {
          reachable: 'min(crossfade_ledger_reachable)',
          'leases held': 'min(crossfade_replica_lease_held)',
        }),
        lines('Statements to the ledger', 'A second, by outcome.', 'ops', {
          '{{outcome}}': `sum by (outcome) (${rate('crossfade_ledger_queries_total')})`,
        }),
        lines('Time of a statement', 'With the wait for a connection.', 's', {
          p50: `histogram_quantile(0.5, sum by (le) (${rate('crossfade_ledger_query_seconds_bucket')}))`,
          p99: `histogram_quantile(0.99, sum by (le) (${rate('crossfade_ledger_query_seconds_bucket')}))`,
        }),
        lines('Connections to the ledger', 'Open, idle, and statements that wait.', 'none', {
          '{{state}}': 'sum by (state) (crossfade_ledger_connections)',
        }),
        lines(
          'Reads that asked the ledger',
          'A second, by why. Many untrusted ones: leases are lost, or messages are not heard.',
          'ops',
          {
            '{{why}}': counted('crossfade_ledger_asks_total', 'why'),
          },
        ),
        lines('Debts made, and reads that went elsewhere', 'A second, by why.', 'ops', {
          '{{owing}} owes: {{why}}': counted('crossfade_debts_made_total', 'owing, why'),
          'read on {{by}}: {{why}}': counted('crossfade_read_fallbacks_total', 'by, why'),
        }),
        lines('Replicas', 'Live ones, and those that do not run the caps yet.', 'none', {
          live: 'max(crossfade_replicas_live)',
          behind: 'max(crossfade_replicas_behind)',
        }),
        lines('Configuration', 'Against what the ledger holds: 0, or a replica is not ready.', 'none', {
          'left out': 'max(crossfade_integrations_left_out)',
          otherwise: 'max(crossfade_configuration_problems)',
        }),
        lines('Leases', 'Taken, and taken away from silent replicas, an hour.', 'none', {
          joins: 'sum(increase(crossfade_replica_joins_total[1h]))',
          revoked: 'sum(increase(crossfade_replica_revocations_total[1h]))',
        }),
        lines('Debts in memory', 'The most that a replica holds.', 'none', {
          remembered: 'max(crossfade_replica_debts_remembered)',
        }),
        lines('Messages between replicas', 'A second; hears 0 is a replica that asks the ledger instead.', 'ops', {
          '{{outcome}}': counted('crossfade_bus_messages_total', 'outcome'),
          hears: 'min(crossfade_bus_hears)',
          'became deaf': `sum(${rate('crossfade_bus_deaf_total')})`,
        }),
      ],
    },
    {
      title: 'Comparing and deciding',
      panels: [
        lines('Comparisons that wait', 'And those dropped because the queue was full, a second.', 'none', {
          queued: 'sum(crossfade_shadow_queued)',
          dropped: `sum(${rate('crossfade_shadow_dropped_total')})`,
        }),
        lines('Comparisons without a conclusion', 'A second, by why.', 'ops', {
          '{{why}}': counted('crossfade_shadow_inconclusive_total', 'why'),
        }),
        lines('Flags evaluated', 'A second, by where the phase came from.', 'ops', {
          '{{source}}': counted('crossfade_flag_evaluations_total', 'source'),
        }),
        lines('Answers of the flag source', 'A second, by what became of them, and those that were refused.', 'ops', {
          '{{outcome}}': counted('crossfade_flag_snapshots_total', 'outcome'),
          'refused: {{problem}}': counted('crossfade_flag_source_problems_total', 'problem'),
          moves: `sum(${rate('crossfade_flag_moves_total')})`,
        }),
        lines('The guard judges all replicas', '0: one hears nobody, and judges its own figures.', 'none', {
          shared: 'min(crossfade_guard_figures_shared)',
        }),
        lines('File of caps', 'Times that it could not be written or read.', 'ops', {
          '{{code}}': counted('crossfade_caps_file_errors_total', 'code'),
        }),
      ],
    },
    {
      title: 'Processes',
      panels: [
        lines('CPU', 'Cores, by process.', 'none', {
          '{{instance}}': `sum by (instance) (${rate('crossfade_process_cpu_seconds_total')})`,
        }),
        lines('Event loop lag', 'p99: what every request waits for before anything is done for it.', 's', {
          '{{instance}}': 'max by (instance) (crossfade_nodejs_eventloop_lag_p99_seconds)',
        }),
        stacked('Memory', 'Resident, by process.', 'bytes', {
          '{{instance}}': 'sum by (instance) (crossfade_process_resident_memory_bytes)',
        }),
        lines('Workers', 'Of serve --workers, and those that had to be started again.', 'none', {
          workers: orZero('sum(crossfade_workers)'),
          restarts: orZero('sum(crossfade_worker_restarts_total)'),
        }),
      ],
    },
  ],
}
