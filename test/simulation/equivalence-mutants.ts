import type { Rewrite } from '../../ledger/postgres/migrate.ts'
import { REFUSED_MUTANTS } from './refused-mutants.ts'

/** A rule of the SQL switched off by replacing its text; the comparison must find that it is missing. */
export interface SqlMutant {
  readonly breaks: string
  readonly file: string
  /** Once in the file, or the mutant refuses to be made. */
  readonly find: string
  readonly put: string
}

const RULES = '010-rules.sql'
const BEGIN = '020-begin.sql'
const FINISH = '030-finish.sql'
const SETTLE = '040-settle.sql'
const STAGES = '050-stages.sql'

const RULE_MUTANTS: Readonly<Record<string, SqlMutant>> = {
  'sql-settle-first': {
    breaks: 'a claim makes its source the register',
    file: SETTLE,
    find: '    first = f.fresh,\n',
    put: '',
  },
  'sql-claim-blank': {
    breaks: 'a claim marks that new may hold something',
    file: SETTLE,
    find: "    blank = f.blank and f.fresh <> 'legacy',\n",
    put: '',
  },
  'sql-claim-open': {
    breaks: 'a claim waits for open operations',
    file: SETTLE,
    find: "<= clock_timestamp() and (s.ops = '{}' or crossfade.is_quiet(s.ops, now_ms))",
    put: '<= clock_timestamp()',
  },
  'sql-claim-quarantined': {
    breaks: 'what is in quarantine is not claimed by itself',
    file: SETTLE,
    find: " and s.fresh <> 'both' and s.quarantine is null\n",
    put: " and s.fresh <> 'both'\n",
  },
  'sql-claim-order': {
    breaks: 'debts of live traffic are claimed before never-copied ones',
    file: SETTLE,
    find: 'order by s.blank, s.settle_after',
    put: 'order by s.blank desc, s.settle_after',
  },
  'sql-claim-any-state': {
    breaks: 'nothing is settled before every replica tracks its writes',
    file: SETTLE,
    find: "state not in ('enrolled', 'finalizing', 'abandoning')",
    put: 'false',
  },
  'sql-settle-both': {
    breaks: 'a settle writes both only if nobody began since',
    file: SETTLE,
    find: " and (s.ops -> q.op ->> 'v')::bigint = s.version",
    put: '',
  },
  'sql-settle-hasty': {
    breaks: 'a settle that was refused waits before it is tried again',
    file: SETTLE,
    find: ' + least(30, 0.25 * power(2, least(r.attempts, 10)))',
    put: ' + 0',
  },
  'sql-quarantine-late': {
    breaks: 'a settle that was overtaken puts nothing in quarantine',
    file: SETTLE,
    find: `if (o ->> 'v')::bigint = r.version then
        r.quarantine`,
    put: `if true then
        r.quarantine`,
  },
  'sql-both-if-ok': {
    breaks: 'both is written only by an operation that nobody overlapped',
    file: FINISH,
    find: 'if undisturbed then r := crossfade.become_both',
    put: 'if true then r := crossfade.become_both',
  },
  'sql-unknown-close': {
    breaks: 'an operation with an unknown put stays open',
    file: FINISH,
    find: "if outcome <> 'debt-open' then r.ops := r.ops - op; end if;",
    put: 'r.ops := r.ops - op;',
  },
  'sql-void-ok': {
    breaks: 'the finish of an ended operation is void',
    file: FINISH,
    find: `if not found or not r.ops ? op then return '{"kind": "void"}'; end if;
  o := r.ops -> op;`,
    put: `if not found then return '{"kind": "void"}'; end if;
  o := coalesce(r.ops -> op, '{"k": "put"}');`,
  },
  'sql-current-joined': {
    breaks: 'current is set only by who was alone',
    file: FINISH,
    find: "case when undisturbed then o ->> 'd' end",
    put: "o ->> 'd'",
  },
  'sql-known-any': {
    breaks: 'known is of one seq',
    file: FINISH,
    find: "\n        and s.seq = (q ->> 'seq')::bigint and not s.known",
    put: ' and not s.known',
  },
  'sql-off-only': {
    breaks: 'a joiner of a one-sided phase puts both',
    file: BEGIN,
    find: 'plan_second is not null or r.first <> plan_first',
    put: 'plan_second is not null',
  },
  'sql-own-first': {
    breaks: 'a joiner follows the register',
    file: BEGIN,
    find: 'if was_alone then r.first := plan_first; else',
    put: 'r.first := plan_first; if not was_alone then',
  },
  'sql-ifmatch-open': {
    breaks: 'compare-and-set waits for open operations',
    file: BEGIN,
    find: "    (q ->> 'expect') is not null\n    or",
    put: '   ',
  },
  'sql-ifmatch-shared': {
    breaks: 'compare-and-set excludes others',
    file: BEGIN,
    find: "    or exists (select from jsonb_each(r.ops) o where (o.value ->> 'x')::boolean)\n",
    put: '',
  },
  'sql-delete-nowait': {
    breaks: 'a delete waits where a store has no fence',
    file: BEGIN,
    find: "    or (q ->> 'needsQuiet')::boolean\n",
    put: '',
  },
  'sql-begin-twice': {
    breaks: 'a begin that is sent again opens nothing twice',
    file: BEGIN,
    find: "  if r.ops ? op then return r.ops -> op -> 'r'; end if;",
    put: '',
  },
  'sql-admits-early': {
    breaks: 'no phase above off before every replica tracks its writes',
    file: BEGIN,
    find: "when 'enrolling' then first = 'legacy' and second is null",
    put: "when 'enrolling' then true",
  },
  'sql-known-stale': {
    breaks: 'a debt that moved is not known',
    file: RULES,
    find: '    r.known := false;\n  end if;',
    put: '  end if;',
  },
  'sql-no-seq': {
    breaks: 'seq grows with every move',
    file: RULES,
    find: '    r.seq := r.seq + 1;\n',
    put: '',
  },
  'sql-expire-tight': {
    breaks: 'an operation that its lease ended leaves the row loose',
    file: RULES,
    find: '    r.loose := true;\n',
    put: '',
  },
  'sql-expire-keeps-current': {
    breaks: 'an operation that its lease ended makes current unknown',
    file: RULES,
    find: '      r.current := null;\n',
    put: '',
  },
  'sql-expire-forgets': {
    breaks: 'a settle that its lease ended leaves current as it is',
    file: RULES,
    find: "    if o.kind <> 'settle' then\n",
    put: '    if true then\n',
  },
  'sql-expire-early': {
    breaks: 'a lease holds until its last instant',
    file: RULES,
    find: '< now_ms loop',
    put: '<= now_ms loop',
  },
  'sql-no-tombstone': {
    breaks: 'a delete that reached both sides is a tombstone',
    file: RULES,
    find: "r.deleted := fingerprint = 'absent';",
    put: 'r.deleted := false;',
  },
  'sql-enrolling-knows': {
    breaks: 'a row learns nothing while some replica does not track its writes',
    file: BEGIN,
    find: " and state <> 'enrolling',",
    put: ',',
  },
  'sql-final-quiet': {
    breaks: 'one side is given up only when no row needs it',
    file: STAGES,
    find: 'if blocking > 0 then',
    put: 'if false then',
  },
}

export const SQL_MUTANTS: Readonly<Record<string, SqlMutant>> = { ...RULE_MUTANTS, ...REFUSED_MUTANTS }

/** The rewrite of `mutant`. `assertMade` throws unless its text was there, so that no mutant can be the real thing. */
export function mutate({ file, find, put }: SqlMutant): { readonly rewrite: Rewrite; assertMade(): void } {
  let made = false
  const rewrite: Rewrite = (name, sql) => {
    if (name !== file) return sql
    const parts = sql.split(find)
    if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times, not once: ${find}`)
    made = true
    return parts.join(put)
  }
  const assertMade = (): void => {
    if (!made) throw new Error(`there is no ${file}`)
  }
  return { rewrite, assertMade }
}
