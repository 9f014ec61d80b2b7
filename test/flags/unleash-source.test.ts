import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../core/clock.ts'
import { makeLadder } from '../../flags/ladder.ts'
import { makeUnleashSource } from '../../flags/unleash-source.ts'
import { document, flagsFolder } from './at-hand.ts'
import { fakeUnleash } from './fake-unleash.ts'

const TOKEN = 'default:development.made-for-this-test'

async function pair(t: TestContext, given: { staleAfter?: number; token?: string } = {}) {
  const server = await fakeUnleash(t, TOKEN)
  const { path } = await flagsFolder(t)
  await writeFile(path, `${given.token ?? TOKEN}\n`)
  const begin = () => {
    const source = makeUnleashSource({
      url: server.url,
      tokenFile: path,
      environment: 'development',
      refresh: 50,
      staleAfter: given.staleAfter ?? 60_000,
      instance: 'test',
      clock: systemClock,
    })
    t.after(() => source.stop())
    return source
  }
  return { server, begin, tokenFile: path }
}

test('flags come from the server, changes are events, and "not modified" keeps them fresh', async (t) => {
  const { server, begin } = await pair(t)
  server.hold(document([makeLadder('aws', 'shadow')]))
  const source = begin()
  const [first] = await once(source.events, 'flags')
  assert.ok(first.features.has('crossfade.aws'))
  const before = source.state().lastSuccess as number
  await server.requested(304)
  await server.requested(304)
  assert.ok((source.state().lastSuccess as number) >= before)
  const changed = once(source.events, 'flags')
  server.hold(document([makeLadder('github', 'live')]))
  const [second] = await changed
  assert.ok(second.features.has('crossfade.github'))
})

test('an answer of another environment is refused, and stays refused when the server has nothing newer', async (t) => {
  const { server, begin } = await pair(t)
  server.hold(document([], { query: { environment: 'production' } }))
  const source = begin()
  const [problem] = await once(source.events, 'problem')
  assert.equal(problem, 'wrong-environment')
  await server.requested(200)
  await server.requested(200)
  assert.equal(source.snapshot(), null)
  assert.equal(source.state().stale, true)
})

test('a 401 does not end the polling for ever: the client is made anew and hears the next answer', async (t) => {
  const { server, begin, tokenFile } = await pair(t, { token: 'wrong' })
  server.hold(document([makeLadder('aws', 'live')]))
  const source = begin()
  const [problem, detail] = await once(source.events, 'problem')
  assert.equal(problem, 'unauthorised')
  assert.equal(detail.includes('wrong'), false, 'no token in an error')
  const flags = once(source.events, 'flags')
  await writeFile(tokenFile, TOKEN)
  await flags
  assert.equal(source.state().error, null)
})

const TROUBLE = {
  'a server error': { status: 500 },
  garbage: { status: 200, body: '<html>' },
  'JSON of another kind': { status: 200, body: '[1]' },
  'a reset connection': 'reset',
} as const

for (const [what, reply] of Object.entries(TROUBLE)) {
  test(`${what} keeps the flags, is an error at once and stale in time, and heals`, async (t) => {
    const { server, begin } = await pair(t, { staleAfter: 200 })
    server.hold(document([makeLadder('aws', 'live')]))
    const source = begin()
    await once(source.events, 'flags')
    server.misbehave(reply)
    for (;;) {
      const [state] = await once(source.events, 'state')
      if (state.stale && state.error !== null) break
    }
    assert.ok(source.snapshot()?.features.has('crossfade.aws'))
    server.misbehave(null)
    for (;;) {
      const [state] = await once(source.events, 'state')
      if (!state.stale && state.error === null) break
    }
  })
}

test('stopping while a request is on its way ends quietly', async (t) => {
  const { server, begin } = await pair(t)
  server.misbehave('hang')
  const source = begin()
  await server.requested('hang')
  await source.stop()
  server.misbehave('reset')
  assert.equal(source.snapshot(), null)
})
