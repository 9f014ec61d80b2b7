import { LEGACY_TABLE } from '../../bin/embedded/sample/legacy.ts'
import { outcomeOf } from '../support/outcome-of.ts'
import type { CanarySystem } from './system.ts'

/*
 * Everything that goes wrong with a value in it: writes and reads in every phase, refusals, values that cannot be copied or
 * decrypted, differences, a store that hangs, one whose errors quote the value, a process that dies in the middle.
 */
const CUSTOMER = 'our-own-company'

/** What was answered to clients whose request failed. */
export type Refusals = string[]

export async function runTraffic(system: CanarySystem, canary: string, refusals: Refusals): Promise<void> {
  const { ops } = system
  const json = JSON.stringify({ password: canary, [canary]: [canary] })
  await plant(system, canary, json)
  await system.start()
  await refuse(system, canary, refusals)
  for (const integration of ['github', 'slack']) await migrate(system, integration)
  for (const phase of ['dualwrite', 'shadow', 'live', 'rampdown', 'complete', 'live'] as const) {
    for (const selector of ['github', 'slack'])
      await ops.call('setFlags', { body: { selector, phase, reason: `to ${phase}`, execute: true } })
    await writeAndRead(system, canary, json, refusals)
    if (phase === 'complete') await spoil(system, canary, refusals)
  }
  await untilQuarantined(system)
  await differ(system, canary, refusals)
  await hang(system, canary, refusals)
  await makeTalkative(system)
  await quote(system, canary, refusals)
  await dieMidway(system, canary, refusals)
  await ops.call('rollback', { body: { selector: 'github', reason: 'a look at what it leaves' } })
  await writeAndRead(system, canary, json, refusals)
  await quote(system, canary, refusals)
  await migrate(system, 'github')
}

const legacyPut = (system: CanarySystem, integration: string, name: string, value: string) =>
  system.sql(
    'legacy',
    `insert into ${LEGACY_TABLE} (provider, org_id, key, secret, content_type, attributes) values ($1, $2, $3, $4, $5, $6)
     on conflict (provider, org_id, key) do update set secret = excluded.secret, modified = now()`,
    [integration, CUSTOMER, name, Buffer.from(value), 'text/plain', '{}'],
  )

/** Before anything runs; one of them is no JSON where JSON is promised. */
async function plant(system: CanarySystem, canary: string, json: string): Promise<void> {
  for (const name of ['planted/a', 'planted/b', 'planted/broken']) await legacyPut(system, 'github', name, canary)
  await legacyPut(system, 'slack', 'planted/json', json)
  await legacyPut(system, 'slack', 'planted/no-json', `${canary} is no JSON`)
}

interface Ask {
  readonly method: string
  readonly path: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly token?: string
}

async function ask({ clients, tokens }: CanarySystem, refusals: Refusals, request: Ask): Promise<void> {
  const { method, path, body, headers = {}, token = tokens.client } = request
  const response = await fetch(`${clients}/api/v1/secrets/${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...headers },
    ...(body === undefined ? {} : { body }),
  }).catch(() => null)
  if (response === null) return
  const text = `${JSON.stringify([...response.headers])} ${await response.text().catch(() => '')}`
  if (response.status >= 400) refusals.push(text)
}

async function refuse(system: CanarySystem, canary: string, refusals: Refusals): Promise<void> {
  const put = (path: string, body: string, more: Partial<Ask> = {}) =>
    ask(system, refusals, { method: 'PUT', path, body, ...more })
  await put(`slack/${CUSTOMER}/bad`, `{"not json": ${canary}`)
  await put(`github/${CUSTOMER}/large`, canary.repeat(3000))
  await put(`nowhere/${CUSTOMER}/x`, canary)
  await put(`github/${CUSTOMER}/x`, canary, { token: 'nobody' })
  await put(`github/${CUSTOMER}/planted/a`, canary, { headers: { 'if-match': '"another"' } })
  await put(`github/${CUSTOMER}/planted/a`, canary, { headers: { 'if-none-match': '*' } })
  await put(`github/${CUSTOMER}/../x`, canary)
  await put(`github/${CUSTOMER}/meta`, canary, { headers: { 'crossfade-meta-BAD_KEY': 'x' } })
  await ask(system, refusals, { method: 'POST', path: `github/${CUSTOMER}/x`, body: canary })
}

async function migrate({ ops }: CanarySystem, integration: string): Promise<void> {
  await ops.call('migrate', { body: { integration, execute: true, reason: 'the search' } })
  await outcomeOf(ops, integration)
}

async function writeAndRead(system: CanarySystem, canary: string, json: string, refusals: Refusals): Promise<void> {
  const headers = { 'crossfade-meta-note': encodeURIComponent(canary), 'content-type': 'text/plain' }
  for (const name of ['written/a', 'written/b', 'planted/a'])
    await ask(system, refusals, { method: 'PUT', path: `github/${CUSTOMER}/${name}`, body: canary, headers })
  await ask(system, refusals, { method: 'PUT', path: `slack/${CUSTOMER}/written/json`, body: json })
  for (const path of [`github/${CUSTOMER}/written/a`, `github/${CUSTOMER}/planted/b`, `slack/${CUSTOMER}/planted/json`])
    await ask(system, refusals, { method: 'GET', path })
  await ask(system, refusals, { method: 'GET', path: `slack/${CUSTOMER}/planted/no-json` })
  await ask(system, refusals, { method: 'DELETE', path: `github/${CUSTOMER}/written/b` })
}

/** What only new holds, and cannot be decrypted any more: as soon as legacy shall have it, it goes into quarantine. */
async function spoil(system: CanarySystem, canary: string, refusals: Refusals): Promise<void> {
  await ask(system, refusals, { method: 'PUT', path: `github/${CUSTOMER}/written/spoilt`, body: canary })
  await system.sql('sealed', `update sealed.version set ciphertext = '\\x00' where name = 'written/spoilt'`)
}

async function untilQuarantined({ ops }: CanarySystem): Promise<void> {
  while ((await ops.call('quarantine', {})).entries.length === 0) await new Promise((resolve) => setImmediate(resolve))
}

/** One value is changed behind the proxy's back, one cannot be decrypted any more; reads and a verify find both. */
async function differ(system: CanarySystem, canary: string, refusals: Refusals): Promise<void> {
  const { ops } = system
  await legacyPut(system, 'github', 'planted/b', `${canary} and more`)
  await system.sql('sealed', `update sealed.version set ciphertext = '\\x00' where name = 'planted/broken'`)
  for (const name of ['planted/b', 'planted/broken'])
    await ask(system, refusals, { method: 'GET', path: `github/${CUSTOMER}/${name}` })
  await ops.call('verify', { body: { integration: 'github', execute: true, reason: 'the search' } })
  await outcomeOf(ops, 'github')
}

/** The legacy table is locked while clients write: second puts end unknown, and debts are left. */
async function hang(system: CanarySystem, canary: string, refusals: Refusals): Promise<void> {
  const locked = system.sql('legacy', `begin; lock table ${LEGACY_TABLE}; select pg_sleep(3); commit`)
  await Promise.all(
    ['hang/a', 'hang/b', 'hang/c'].map((name) =>
      ask(system, refusals, { method: 'PUT', path: `github/${CUSTOMER}/${name}`, body: canary }),
    ),
  )
  await locked
}

/** Every field of an error that a server can fill. Its own log is told nothing: what a store does with its values is its matter. */
const TALKATIVE = `
  create function quote_value() returns trigger language plpgsql set log_min_messages = 'panic' as $$
    declare value text := convert_from(new.secret, 'utf8');
    begin
      raise exception using errcode = case when new.key like '%/broken' then '23514' else 'P0001' end, message = 'refused: ' || value,
        detail = 'Failing row contains (' || value || ').', hint = value, constraint = value, column = value, table = value;
    end $$;
  create trigger quote_value before insert or update on ${LEGACY_TABLE} for each row when (new.key like 'quoted/%')
    execute function quote_value()`

const makeTalkative = (system: CanarySystem) => system.sql('legacy', TALKATIVE)

/** First or second at legacy, as the phase has it; what it owes is tried again and again by settle. */
async function quote(system: CanarySystem, canary: string, refusals: Refusals): Promise<void> {
  for (const name of ['quoted/raised', 'quoted/broken']) {
    await ask(system, refusals, { method: 'PUT', path: `github/${CUSTOMER}/${name}`, body: canary })
    await ask(system, refusals, { method: 'GET', path: `github/${CUSTOMER}/${name}` })
  }
}

async function dieMidway(system: CanarySystem, canary: string, refusals: Refusals): Promise<void> {
  const writes = Array.from({ length: 40 }, (_, n) =>
    ask(system, refusals, { method: 'PUT', path: `github/${CUSTOMER}/dying/${n}`, body: canary }),
  )
  await Promise.race(writes)
  await system.crash()
  await Promise.all(writes)
  await system.start()
}
