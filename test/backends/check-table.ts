import type pg from 'pg'
import { problemsOf, type TableProblem } from '../../backends/postgres/check.ts'
import type { PostgresConfig } from '../../backends/postgres/config.ts'
import { DESCRIBE, type DescribeRow, factsOf, quotedTable } from '../../backends/postgres/table.ts'

/** What the catalogue alone says against a mapping. */
export async function checkTable(pool: pg.Pool, config: PostgresConfig): Promise<readonly TableProblem[]> {
  const result = await pool.query<DescribeRow>(DESCRIBE.text, [quotedTable(config)])
  return problemsOf(factsOf(result.rows[0]), config)
}
