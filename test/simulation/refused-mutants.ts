import type { SqlMutant } from './equivalence-mutants.ts'

const RULES = '010-rules.sql'
const BEGIN = '020-begin.sql'
const FINISH = '030-finish.sql'
const SETTLE = '040-settle.sql'
const STAGES = '050-stages.sql'
const INVENTORY = '060-inventory.sql'

/** Rules of what a refused operation leaves behind, and of the rows that an inventory or an operator's word makes. */
export const REFUSED_MUTANTS: Readonly<Record<string, SqlMutant>> = {
  'sql-fail-open': {
    breaks: 'nothing is put back while another write may yet be applied',
    file: RULES,
    find: 'if r.before is null or crossfade.is_written(r.ops) then',
    put: 'if r.before is null then',
  },
  'sql-fail-joined': {
    breaks: 'nothing is put back after another write was applied',
    file: FINISH,
    find: '    r.before := null;\n',
    put: '',
  },
  'sql-fail-counts': {
    breaks: 'a refused write is none that was applied',
    file: FINISH,
    find: "  if outcome <> 'failed' then\n",
    put: '  if true then\n',
  },
  'sql-fail-fresh': {
    breaks: 'a refusal puts back which side is fresh',
    file: RULES,
    find: "    r := crossfade.move_fresh(r, r.before ->> 'f');\n",
    put: '',
  },
  'sql-fail-version': {
    breaks: 'a refusal puts the version back: foreign is judged by it, and so is what was verified',
    file: RULES,
    find: "    r.version := (r.before ->> 'v')::bigint;\n",
    put: '',
  },
  'sql-fail-quarantine': {
    breaks: 'only a write that was applied puts a secret out of quarantine',
    file: BEGIN,
    find: '  r.version := r.version + 1;\n',
    put: '  r.version := r.version + 1;\n  r.quarantine := null;\n',
  },
  'sql-quarantine-stays': {
    breaks: 'a write that was applied puts a secret out of quarantine',
    file: FINISH,
    find: '    r.quarantine := null;\n',
    put: '',
  },
  'sql-claim-version': {
    breaks: 'a claim keeps foreign what a write of unknown outcome did not make ours',
    file: SETTLE,
    find: '    version = f.version,\n',
    put: '',
  },
  'sql-copied-disowned': {
    breaks: 'what was copied is not taken for foreign after a write of unknown outcome',
    file: BEGIN,
    find: 'not r.copied and ',
    put: '',
  },
  'sql-fail-current': {
    breaks: 'a refusal puts back what the fresh side is known to hold',
    file: RULES,
    find: "    r.current := r.before ->> 'c';\n",
    put: '',
  },
  'sql-unknown-restores': {
    breaks: 'a write that its lease ended may have been applied',
    file: RULES,
    find: `      r.before := r.before || '{"u": true}';\n`,
    put: '',
  },
  'sql-unknown-owns': {
    breaks: 'a write that its lease ended does not make ours what new holds',
    file: RULES,
    find: "case when (r.before ->> 'v')::bigint = 0 then 0 else r.version end",
    put: 'r.version',
  },
  'sql-unknown-disowns': {
    breaks: 'what new got of us alone is no foreign value',
    file: BEGIN,
    find: 'not (r.blank and inventoried)',
    put: 'true',
  },
  'sql-before-joined': {
    breaks: 'a write that joins does not take what others changed for what was before',
    file: BEGIN,
    find: '  if not crossfade.is_written(r.ops) then\n',
    put: '  if true then\n',
  },
  'sql-before-settle': {
    breaks: 'a write that joins a settle is undone as well',
    file: BEGIN,
    find: '  if not crossfade.is_written(r.ops) then\n',
    put: '  if was_alone then\n',
  },
  'sql-no-intent': {
    breaks: 'a delete records its intent',
    file: FINISH,
    find: "    r.gone := r.gone or o ->> 'k' = 'delete';\n",
    put: '',
  },
  'sql-expire-intent': {
    breaks: 'a delete that its lease ended may have been applied',
    file: RULES,
    find: "      r.gone := r.gone or o.kind = 'delete';\n",
    put: '',
  },
  'sql-intent-at-begin': {
    breaks: 'a refused delete leaves no intent',
    file: BEGIN,
    find: '  r.version := r.version + 1;\n',
    put: "  r.version := r.version + 1;\n  r.gone := r.gone or q ->> 'kind' = 'delete';\n",
  },
  'sql-delete-unconfirmed': {
    breaks: 'a tombstone is confirmed only by both sides',
    file: FINISH,
    find: "    r.gone := r.gone or o ->> 'k' = 'delete';\n",
    put: "    r.gone := r.gone or o ->> 'k' = 'delete';\n    r.deleted := r.gone;\n",
  },
  'sql-claim-gone': {
    breaks: 'a claim keeps the intent of a delete that its lease ended',
    file: SETTLE,
    find: '    gone = f.gone,\n',
    put: '',
  },
  'sql-claim-before': {
    breaks: 'a claim forgets what was before a write that its lease ended',
    file: SETTLE,
    find: '    before = f.before,\n',
    put: '',
  },
  'sql-accept-gone': {
    breaks: 'where legacy is known to hold nothing, an accepted absence is meant',
    file: STAGES,
    find: "coalesce(r.current = 'absent', true)",
    put: 'r.current is null',
  },
  'sql-accept-version': {
    breaks: 'an accepted secret is foreign no more',
    file: STAGES,
    find: '      r.version := greatest(r.version, 1);\n',
    put: '',
  },
  'sql-seen-blank': {
    breaks: 'what the inventory saw on new is not blank',
    file: INVENTORY,
    find: 'do update set blank = false',
    put: 'do update set blank = s.blank',
  },
}
