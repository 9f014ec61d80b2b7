import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FaultSpec, FaultTable } from '../../core/fault.ts'
import { PROJECT, projectFiles } from '../support/project.ts'

/*
 * docs/errors.md is made of the faults.ts tables: `npm run docs` writes it, a house test compares.
 */

export interface DocumentedFault extends FaultSpec {
  readonly code: string
  /** The file whose table declares it. */
  readonly file: string
}

export const ERRORS_PAGE = 'docs/errors.md'

/** Every code of every table, in the order of the codes. */
export async function collectFaults(): Promise<readonly DocumentedFault[]> {
  const faults: DocumentedFault[] = []
  for (const file of projectFiles('{core,backends,flags,access,ledger,proxy,migrator,dashboards,bin}/**/faults.ts')) {
    const exported = (await import(join(PROJECT, file))) as Record<string, unknown>
    const tables = Object.entries(exported).filter(([name]) => name.endsWith('_FAULTS'))
    for (const [, table] of tables) {
      for (const [code, spec] of Object.entries(table as FaultTable)) faults.push({ ...spec, code, file })
    }
  }
  return faults.sort((a, b) => (a.code < b.code ? -1 : 1))
}

export function renderErrorsPage(faults: readonly DocumentedFault[]): string {
  const rows = faults.map(({ code, status, title, next }) => `| \`${code}\` | ${status} | ${title} | ${next} |`)
  return [
    '# Errors',
    '',
    'Every refusal and every broken promise has one of these codes: in the `code` of a problem document, on standard error',
    'of a command, and in the log. Codes are stable; titles may be worded better. The status is that of the HTTP answer;',
    'what only a command or a start can meet is 500 here.',
    '',
    'This page is made from the tables in the code (`npm run docs`); a test compares the two.',
    '',
    '| code | status | what it says | what to do |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

if (import.meta.main) {
  writeFileSync(join(PROJECT, ERRORS_PAGE), renderErrorsPage(await collectFaults()))
  console.log(`wrote ${ERRORS_PAGE}`)
}
