import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { Fault } from '../../../core/fault.ts'
import { FLAGS_FAULTS } from '../../../flags/faults.ts'
import { makeLive } from '../../../proxy/ops/live.ts'
import { makeOperatorsApp } from '../../../proxy/ops/operators.ts'
import type { OpsPorts } from '../../../proxy/ops/ports.ts'
import { type Check, makeReadiness } from '../../../proxy/ops/readiness.ts'
import type { Cap } from '../../../proxy/ops/status.ts'
import type { Run } from '../../../proxy/ops/work.ts'
import { withAccess } from '../http/with-access.ts'
import { type Ask, send } from '../http/with-clients.ts'

const AT = '2026-01-02T03:04:05.000Z'
const RUN: Run = {
  kind: 'run',
  run: 'r1',
  integration: 'aws',
  what: 'migrate',
  outcome: 'running',
  stage: 'backfill',
  done: 1,
  total: 2,
  per_second: 1,
  eta_seconds: 1,
  throttled_by: null,
  counts: null,
  message: null,
  started_at: AT,
  ended_at: null,
}
const CAP: Cap = {
  integration: 'aws',
  cohort: null,
  phase: 'off',
  source: 'rollback',
  reason: 'page',
  by: 'operator',
  at: AT,
  evidence: null,
}

const STILL_NEW = { secrets: 0, quarantined: 0, until: 'now' as const, seconds: 0, stores: [] }

const REPLICA = { name: 'host:8700', state: 'gone' as const, silent_seconds: 60, behind: [], differs: [], self: false }

const NO_KEYS = { active: 0, revoked: 0, destroyed: 0, rows: 0 }
const NO_CHANGE = { customers: [], refused: 0, total: 0, next: null }
const NO_REWRAP = {
  keys: { seen: 0, wrapped: 0, unusable: 0 },
  rows: { seen: 0, resealed: 0, current: 0, undecryptable: 0, revoked: 0 },
  total: 0,
  next: null,
}

/** The operators' port on a real socket over ports that answer fixed rows and remember what they were asked. */
export async function withOperators(t: TestContext, checks: readonly Check[] = [], real: Partial<OpsPorts> = {}) {
  const access = withAccess()
  const asked: { readonly call: string; readonly given: unknown; readonly by?: string }[] = []
  const ask = <T>(call: string, given: unknown, answer: T, by?: string): Promise<T> => {
    asked.push(by === undefined ? { call, given } : { call, given, by })
    return Promise.resolve(answer)
  }
  const replicas = { applied: 1, of: 1 }
  const ports: OpsPorts = {
    status: {
      status: (selector) =>
        ask('status', selector, {
          at: AT,
          caps: { durable: true, ...replicas },
          integrations: [],
          away: { ledger: false, stores: [], unfit: [] },
          configured: { problems: [], left_out: [], differing: [] },
          latencies: [],
        }),
      debts: () => ask('debts', null, [{ integration: 'aws', fresh: 'new' as const, debts: 3 }]),
      explain: (integration, customer) =>
        ask(
          'explain',
          { integration, customer },
          {
            integration,
            customer,
            cohort: 'general',
            state: 'enrolled' as const,
            requested: null,
            effective: 'off' as const,
            steps: [],
            next: [],
          },
        ),
    },
    history: {
      history: (query) =>
        ask('history', query, { by: query.by, since: AT, until: AT, step_seconds: 60, series: [], next: null }),
    },
    flags: {
      flags: (selector) =>
        ask('flags', selector, { source: 'file', revision: null, fetched_at: null, stale: false, flags: [] }),
      lint: () => ask('lintFlags', null, { source: 'file', findings: [] }),
      set: (request, by) => ask('setFlags', request, { executed: request.execute, one_by_one: false, changes: [] }, by),
    },
    heldFlags: {
      accept: (request, by) => ask('acceptFlags', request, { executed: request.execute, limit: null, moves: [] }, by),
    },
    caps: {
      caps: (selector) => ask('caps', selector, [CAP]),
      rollback: (request, by) =>
        ask('rollback', request, { caps: [CAP], durable: true, replicas, still_new: STILL_NEW, unmoved: [] }, by),
      lift: () => Promise.reject(new Fault('lift-refused', FLAGS_FAULTS['lift-refused'], 'aws asks for live')),
    },
    gates: {
      gates: (query) => ask('gates', query, []),
      force: (request, by) => ask('forceGate', request, { executed: request.execute, gates: [] }, by),
    },
    migrate: {
      migrate: (request, by) => ask('migrate', request, RUN, by),
      verify: (request, by) => ask('verify', request, RUN, by),
      finalize: (request, by) => ask('finalize', request, RUN, by),
      abandon: (request, by) => ask('abandon', request, RUN, by),
      reverse: (request, by) => ask('reverse', request, RUN, by),
      runs: (selector) => ask('runs', selector, [RUN]),
      change: (request, by) => ask('changeRuns', request, [RUN], by),
      progress: (integration) => ask('progress', integration, integration === 'aws' ? RUN : null),
    },
    pace: {
      pace: (selector) => ask('pace', selector, []),
      set: (request, by) => ask('setPace', request, [], by),
    },
    mismatches: {
      mismatches: (query) => ask('mismatches', query, { mismatches: [], next: null }),
      quarantine: (query) => ask('quarantine', query, { entries: [], next: null }),
      accept: (request, by) =>
        ask('accept', request, { executed: request.execute, handed_over: 0, left_behind: 0, unaddressable: 0 }, by),
      retry: (request, by) => ask('retry', request, { executed: request.execute, integrations: [] }, by),
    },
    events: { events: (query) => ask('events', query, { events: [], next: null }) },
    replicas: {
      list: () => ask('replicas', null, []),
      forget: (request, by) => ask('forgetReplica', request, { executed: request.execute, replica: REPLICA }, by),
    },
    workers: { list: () => ask('workers', null, []) },
    integrations: {
      list: () => ask('integrations', null, []),
      rename: (request, by) =>
        ask('rename', request, { executed: request.execute, state: 'bare' as const, caps: 0, kept_by: [] }, by),
    },
    keys: {
      show: (store, customer) => ask('keys', { store, customer }, { store, customer, ...NO_KEYS }),
      change: (store, { change, execute }, by) =>
        ask('changeKeys', { store, change }, { executed: execute, change, ...NO_CHANGE }, by),
      rewrap: (store, { execute }, by) => ask('rewrapKeys', { store }, { executed: execute, ...NO_REWRAP }, by),
    },
    ...real,
  }
  const readiness = makeReadiness(checks)
  const app = makeOperatorsApp({
    ...access.deps,
    ports,
    readiness,
    registry: access.registry,
    document: {},
    live: makeLive({ ports, rates: { points: () => [] }, clock: access.deps.clock }),
    page: [{ path: '/', type: 'text/html; charset=utf-8', body: Buffer.from('<!doctype html>') }],
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.after(() => app.close())
  const { port } = app.server.address() as AddressInfo
  const call = async ({ token = access.tokenOf('operator'), body, ...rest }: Ask & { body?: string }) => {
    const headers = token === null ? {} : { authorization: `Bearer ${token}` }
    const answer = await send(port, { ...rest, headers, ...(body === undefined ? {} : { body }) })
    return { status: answer.status, headers: answer.headers, text: answer.body.toString('utf8') }
  }
  return { ...access, app, port, asked, readiness, call }
}
