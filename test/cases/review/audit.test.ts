import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'
import { makeFileAudit } from '../../../access/audit-file.ts'
import { auditConfigSchema } from '../../../access/config.ts'
import { makeDrivenClock } from '../../access/driven-clock.ts'
import { caseOf } from '../support/case.ts'

const DEADLINE = 2000
/** More than a pipe holds: the write waits until somebody reads. */
const LARGE = 'x'.repeat(100_000)

const entry = {
  at: 0,
  actor: 'a',
  role: 'client',
  operation: 'secrets.read',
  integration: 'aws',
  customer: 'acme',
  name: 'n',
  request: 'r',
} as const

/** An audit whose disk is a pipe: it takes what is written when the test reads. */
async function slowDisk(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-audit-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'pipe')
  await promisify(execFile)('mkfifo', [path])
  const reader = await open(path, constants.O_RDWR | constants.O_NONBLOCK)
  t.after(() => reader.close())
  const clock = makeDrivenClock()
  const audit = await makeFileAudit({ path, deadline: DEADLINE, sync: false, clock })
  const read = async (): Promise<void> => {
    const buffer = Buffer.alloc(65_536)
    for (let got = 0; got < LARGE.length && !t.signal.aborted; ) {
      const { bytesRead } = await reader.read(buffer).catch(() => ({ bytesRead: 0 }))
      got += bytesRead
      if (bytesRead === 0) await new Promise(setImmediate)
    }
  }
  return { audit, clock, read }
}

caseOf(
  ['review', '22'],
  'a process that was away for long refuses nothing that the disk does in time',
  {},
  async (t) => {
    const { audit, clock, read } = await slowDisk(t)
    const written = audit.append({ ...entry, reason: LARGE })
    await clock.advance(DEADLINE * 50)
    await clock.advance(DEADLINE / 20)
    await read()
    await written
    await audit.close()
  },
)

caseOf(
  ['trial', 'F9'],
  'a disk that takes longer than the deadline refuses, which is two seconds if nothing is said',
  {},
  async (t) => {
    const { audit, clock, read } = await slowDisk(t)
    const refused = assert.rejects(audit.append({ ...entry, reason: LARGE }), { code: 'audit-unavailable' })
    for (let n = 0; n < 11; n += 1) await clock.advance(DEADLINE / 10)
    await refused
    await read()
    assert.equal(auditConfigSchema.parse({ sinks: [{ kind: 'file', path: 'a' }] }).deadline, 2000)
  },
)
