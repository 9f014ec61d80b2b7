import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { OPS_PREFIX, OPS_ROUTES } from '../../proxy/ops/api.ts'
import { STREAM_PATH } from '../../proxy/ops/stream.ts'
import { enter, openTab, SCREEN_TITLES, show } from '../page/browser.ts'
import type { CanarySystem } from './system.ts'

/** Somewhere a value must never be. */
export interface Place {
  readonly name: string
  readonly text: string
}

const OPEN_PATHS = ['/metrics', '/readyz?verbose', '/livez', '/api/v1/openapi.json', '/', '/page/main.js']
/** What fills the parameters of any route. */
const PARAMS: Readonly<Record<string, string>> = {
  integration: 'github',
  customer: 'our-own-company',
  store: 'vaulted',
}
const QUERIES: Readonly<Record<string, string>> = {
  mismatches: '?show=all&limit=1000',
  quarantine: '?limit=1000',
  events: '?limit=1000',
}
/** The keys and tokens themselves, and PostgreSQL's own files, which are the stores. */
const NOT_SEARCHED = /(?:^|\/)(?:keys|tokens|postgres)(?:\/|$)/

/** Everything that the system shows, says, sends and leaves behind. */
export async function placesOf(
  system: CanarySystem,
  refusals: readonly string[],
  browser: Browser,
): Promise<readonly Place[]> {
  return [
    ...(await answers(system)),
    ...(await screens(system, browser)),
    { name: 'the stream', text: await streamed(system) },
    { name: 'answers to refused requests', text: refusals.join('\n') },
    { name: 'standard output', text: system.heard.stdout },
    { name: 'the log', text: system.heard.stderr },
    { name: 'the log of PostgreSQL', text: system.heard.postgres },
    { name: 'what Redis was told', text: system.heard.redis },
    { name: 'what Redis keeps', text: await system.redis('KEYS *') },
    ...files(system.folder),
    ...(await tables(system, 'ledger')),
    ...(await tables(system, 'sealed')),
    ...(await statements(system)),
  ]
}

async function answers({ operators, tokens }: CanarySystem): Promise<readonly Place[]> {
  const looks = Object.entries(OPS_ROUTES)
    .filter(([, { method }]) => method === 'GET')
    .map(
      ([name, { path }]) =>
        OPS_PREFIX + path.replace(/\{(\w+)\}/g, (_, key) => PARAMS[key] ?? '') + (QUERIES[name] ?? ''),
    )
  return Promise.all(
    [...OPEN_PATHS, ...looks].map(async (path) => {
      const response = await fetch(operators + path, { headers: { authorization: `Bearer ${tokens.operator}` } })
      return { name: `GET ${path}`, text: await response.text() }
    }),
  )
}

async function screens({ operators, tokens }: CanarySystem, browser: Browser): Promise<readonly Place[]> {
  const { page } = await openTab(browser, operators)
  await enter(page, tokens.operator)
  const seen: Place[] = []
  for (const title of SCREEN_TITLES) {
    await show(page, title)
    seen.push({ name: `the page, ${title}`, text: await page.content() })
  }
  await page.context().close()
  return seen
}

/** The whole picture, and one look more. */
async function streamed({ operators, tokens }: CanarySystem): Promise<string> {
  const stopping = new AbortController()
  const response = await fetch(operators + STREAM_PATH, {
    headers: { authorization: `Bearer ${tokens.operator}` },
    signal: stopping.signal,
  })
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString()
    if (text.split('"kind":"beat"').length > 2) break
  }
  stopping.abort()
  return text
}

const files = (folder: string): readonly Place[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !NOT_SEARCHED.test(path.slice(folder.length)))
    .map((path) => ({ name: `the file ${path.slice(folder.length + 1)}`, text: readFileSync(path, 'utf8') }))

/** Of the ledger and of the sealed store, where all that belongs to a value is encrypted. */
async function tables(system: CanarySystem, database: 'ledger' | 'sealed'): Promise<readonly Place[]> {
  const found = (await system.sql(
    database,
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
     where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
  )) as readonly { readonly name: string }[]
  const places: Place[] = []
  for (const { name } of found) {
    const rows = (await system.sql(database, `select t::text as row from ${name} t`)) as readonly {
      readonly row: string
    }[]
    places.push({ name: `the table ${name} of ${database}`, text: rows.map(({ row }) => row).join('\n') })
  }
  return places
}

/** What PostgreSQL shows of every connection, to whoever may look. */
async function statements(system: CanarySystem): Promise<readonly Place[]> {
  const rows = await system.sql('ledger', 'select query, application_name from pg_stat_activity')
  return [{ name: 'pg_stat_activity', text: JSON.stringify(rows) }]
}
