import assert from 'node:assert/strict'
import { test } from 'node:test'
import { busChecks } from '../../bin/config/check-bus.ts'
import type { CrossfadeConfig } from '../../bin/config/schema.ts'
import { busSection } from '../../ledger/config.ts'
import { privateFile, temporaryFolder } from '../bin/run-crossfade.ts'
import { privateRedis } from '../ledger/private-redis.ts'
import { needs } from '../support/parts.ts'

const redis = needs('redis-server')

test('config check says whether the bus answers, and whether it takes the password', {
  skip: redis.skip,
}, async (t) => {
  const folder = temporaryFolder(t)
  const server = await privateRedis(t, redis.path, 'open-sesame')
  const judge = async (password: string | null) => {
    const file = password === null ? {} : { password_file: privateFile(folder, `of-${password}`, password) }
    const bus = busSection.parse({ url: server.url, ...file })
    const [result] = await busChecks({ bus } as CrossfadeConfig)
    return [result?.level, result?.message.replace(/^.*?: /, '')]
  }
  const refused = ['problem', 'user or password refused: check password_file']
  assert.deepEqual(await judge('open-sesame'), ['ok', 'it answers'])
  assert.deepEqual(await judge('wrong'), refused)
  assert.deepEqual(await judge(null), refused)
  await server.kill()
  assert.deepEqual(await judge('open-sesame'), ['problem', 'no answer'])
})
