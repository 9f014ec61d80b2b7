import type pg from 'pg'

interface Rights {
  readonly there: boolean
  readonly made: boolean
  readonly may_make: boolean
  readonly may_create: boolean
  readonly may_use: boolean
  readonly others: number
  readonly role: string
}

/** `made`: it has tables. `others`: tables that this role may not work with. */
const RIGHTS = `
select to_regnamespace($1) is not null as there, exists (select from pg_class c where c.relnamespace = to_regnamespace($1) and c.relkind = 'r') as made,
  has_database_privilege(current_database(), 'create') as may_make, current_user::text as role,
  coalesce((select has_schema_privilege(n.oid, 'create') from pg_namespace n where n.oid = to_regnamespace($1)), false) as may_create,
  coalesce((select has_schema_privilege(n.oid, 'usage') from pg_namespace n where n.oid = to_regnamespace($1)), false) as may_use,
  (select count(*)::int from pg_class c where c.relnamespace = to_regnamespace($1) and c.relkind in ('r', 'p')
    and not (has_table_privilege(c.oid, 'select') and has_table_privilege(c.oid, 'insert')
      and has_table_privilege(c.oid, 'update') and has_table_privilege(c.oid, 'delete'))) as others`

/** Why \`serve\` could not make or use a schema of its own; null: it can. A schema that a DBA made for the role will do. */
export async function schemaProblem(pool: pg.Pool, schema: string): Promise<string | null> {
  const { rows } = await pool.query<Rights>({ text: RIGHTS, values: [schema] })
  const [rights] = rows
  if (rights === undefined) return null
  const { role } = rights
  const make = `create schema ${schema} authorization "${role}"`
  if (!rights.there)
    return rights.may_make
      ? null
      : `schema ${schema} is not there, and this user may not make it: let a DBA run: ${make}`
  if (!rights.may_use) return `this user lacks USAGE on schema ${schema}`
  if (!rights.made && !rights.may_create)
    return `schema ${schema} has no tables yet, and this user may not make them there: grant create on schema ${schema} to "${role}"`
  return rights.others === 0
    ? null
    : `this user lacks SELECT, INSERT, UPDATE or DELETE on ${rights.others} tables of schema ${schema}: let it own them`
}
