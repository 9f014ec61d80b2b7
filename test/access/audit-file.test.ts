import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { mkdir, mkdtemp, open, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { Registry } from 'prom-client'
import type { AuditEntry } from '../../access/audit.ts'
import { makeAuditToAll } from '../../access/audit.ts'
import { makeFileAudit } from '../../access/audit-file.ts'
import { makeAccessMetrics } from '../../access/metrics.ts'
import { type Clock, systemClock } from '../../core/clock.ts'
import { isFault } from '../../core/fault.ts'
import { makeDrivenClock } from './driven-clock.ts'

const entry = (name: string, reason: string | null = null): AuditEntry => ({
  at: Date.UTC(2026, 0, 2),
  actor: 'worker',
  role: 'client',
  operation: 'secrets.read',
  integration: 'aws',
  customer: 'acme',
  name,
  request: 'r-1',
  reason,
})

async function folderFor(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-audit-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function auditTo(t: TestContext, path: string, options: { sync?: boolean; clock?: Clock } = {}) {
  const registry = new Registry()
  const { sync = false, clock = systemClock } = options
  const audit = await makeFileAudit({ path, deadline: 5_000, sync, clock, metrics: makeAccessMetrics(registry) })
  t.after(() => audit.close())
  const count = async (name: string) => (await registry.getSingleMetric(name)?.get())?.values[0]?.value
  return { audit, count }
}

const unavailable = (error: unknown) => isFault(error) && error.code === 'audit-unavailable' && error.status === 503

const linesOf = async (path: string) =>
  (await readFile(path, 'utf8'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { name: string; time: string })

for (const sync of [false, true]) {
  test(`an entry is in the file when append resolves (sync: ${sync})`, async (t) => {
    const path = join(await folderFor(t), 'audit.jsonl')
    const { audit } = await auditTo(t, path, { sync })
    await audit.append(entry('api key\nwith a line break'))
    const [line] = await linesOf(path)
    assert.equal(line?.name, 'api key\nwith a line break')
    assert.equal(line?.time, '2026-01-02T00:00:00.000Z')
    assert.equal((await stat(path)).mode & 0o777, 0o600)
  })
}

test('a thousand concurrent entries are all written once, in order, and counted', async (t) => {
  const path = join(await folderFor(t), 'audit.jsonl')
  const { audit, count } = await auditTo(t, path, { sync: true })
  const names = Array.from({ length: 1000 }, (_, index) => `secret-${index}`)
  await Promise.all(names.map((name) => audit.append(entry(name))))
  assert.deepEqual(
    (await linesOf(path)).map(({ name }) => name),
    names,
  )
  assert.equal(await count('crossfade_audit_entries_total'), 1000)
})

test('a full disk refuses every entry, and entries are taken again once there is room', async (t) => {
  const folder = await folderFor(t)
  const path = join(folder, 'audit.jsonl')
  await symlink('/dev/full', path)
  const { audit, count } = await auditTo(t, path)
  const refused = await Promise.allSettled([audit.append(entry('a')), audit.append(entry('b'))])
  for (const result of refused) assert.ok(result.status === 'rejected' && unavailable(result.reason))
  assert.equal(await count('crossfade_audit_failures_total'), 2)

  await symlink(join(folder, 'roomy.jsonl'), join(folder, 'next'))
  await rename(join(folder, 'next'), path)
  await audit.append(entry('c'))
  assert.deepEqual(
    (await linesOf(path)).map(({ name }) => name),
    ['c'],
  )
  assert.match(await readFile(path, 'utf8'), /^\n/, 'what the failed write may have left is ended first')
})

test('a folder that is not there refuses the start, and a file in its place refuses entries', async (t) => {
  const folder = join(await folderFor(t), 'audit')
  const path = join(folder, 'audit.jsonl')
  await assert.rejects(auditTo(t, path), unavailable)
  await mkdir(folder)
  const { audit } = await auditTo(t, path)
  await audit.append(entry('before'))
  await rm(folder, { recursive: true })
  await writeFile(folder, 'in the way')
  await assert.rejects(audit.reopen(), unavailable)
  await assert.rejects(audit.append(entry('after')), unavailable)
})

test('reopen goes on in a new file after a rotation, losing nothing that is appended meanwhile', async (t) => {
  const folder = await folderFor(t)
  const path = join(folder, 'audit.jsonl')
  const { audit } = await auditTo(t, path)
  const names = Array.from({ length: 200 }, (_, index) => `secret-${index}`)
  const first = names.slice(0, 100).map((name) => audit.append(entry(name)))
  await rename(path, `${path}.1`)
  const reopened = audit.reopen()
  const second = names.slice(100).map((name) => audit.append(entry(name)))
  await Promise.all([...first, reopened, ...second])
  const written = [...(await linesOf(`${path}.1`)), ...(await linesOf(path))].map(({ name }) => name)
  assert.deepEqual(written.sort(), names.sort())
  await audit.append(entry('last'))
  assert.ok((await linesOf(path)).some(({ name }) => name === 'last'))
})

test('a disk that hangs refuses each entry at its deadline', async (t) => {
  const path = join(await folderFor(t), 'pipe')
  await promisify(execFile)('mkfifo', [path])
  // A reader that never reads: the pipe takes 64 KiB, then a write waits for ever.
  const reader = await open(path, constants.O_RDWR | constants.O_NONBLOCK)
  const clock = makeDrivenClock()
  const { audit, count } = await auditTo(t, path, { clock })
  const stuck = assert.rejects(audit.append(entry('big', 'x'.repeat(300_000))), unavailable)
  const pass = async (): Promise<void> => {
    for (let n = 0; n < 5; n += 1) await clock.advance(500)
  }
  await pass()
  const behind = assert.rejects(audit.append(entry('small')), unavailable)
  await pass()
  await stuck
  await pass()
  await behind
  assert.equal(await count('crossfade_audit_failures_total'), 2)
  const drained = drain(reader, 300_000)
  await drained
  await reader.close()
})

/** Reads the pipe empty, so that the write which waits can end. */
async function drain(reader: Awaited<ReturnType<typeof open>>, atLeast: number): Promise<void> {
  const buffer = Buffer.alloc(65_536)
  for (let got = 0; got < atLeast; ) {
    const { bytesRead } = await reader.read(buffer).catch(() => ({ bytesRead: 0 }))
    got += bytesRead
    if (bytesRead === 0) await new Promise((resolve) => setImmediate(resolve))
  }
}

test('nothing is taken after close', async (t) => {
  const path = join(await folderFor(t), 'audit.jsonl')
  const { audit } = await auditTo(t, path)
  const last = audit.append(entry('last'))
  await audit.close()
  await last
  await assert.rejects(audit.append(entry('late')), unavailable)
})

test('with several sinks an entry counts only when all of them have it', async (t) => {
  const folder = await folderFor(t)
  await symlink('/dev/full', join(folder, 'full'))
  const { audit: good } = await auditTo(t, join(folder, 'good'))
  const { audit: full } = await auditTo(t, join(folder, 'full'))
  await assert.rejects(makeAuditToAll([good, full]).append(entry('a')), unavailable)
  await makeAuditToAll([good]).append(entry('b'))
})
