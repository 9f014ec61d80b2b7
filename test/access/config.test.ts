import assert from 'node:assert/strict'
import { test } from 'node:test'
import { auditConfigSchema, identityConfigSchema } from '../../access/config.ts'

test('an audit section needs at least one sink, and has a deadline of two seconds unless it says otherwise', () => {
  const parsed = auditConfigSchema.parse({ sinks: [{ kind: 'file', path: '/var/log/audit.jsonl' }] })
  assert.deepEqual(parsed, { sinks: [{ kind: 'file', path: '/var/log/audit.jsonl', sync: false }], deadline: 2000 })
  assert.equal(auditConfigSchema.safeParse({ sinks: [] }).success, false)
  assert.equal(auditConfigSchema.safeParse({ sinks: [{ kind: 'tape', path: 'x' }] }).success, false)
})

test('unknown keys are errors', () => {
  assert.equal(identityConfigSchema.safeParse({ tokens_file: 'a', tokens: [] }).success, false)
  assert.equal(auditConfigSchema.safeParse({ sinks: [{ kind: 'file', path: 'x', mode: 1 }] }).success, false)
})
