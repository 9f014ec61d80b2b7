import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { EXITS } from '../../bin/cli/exit-codes.ts'
import { flagChecks } from '../../bin/config/check-flags.ts'
import { writeFlagFile } from '../../flags/flag-file.ts'
import { personalToken } from '../flags/admin/at-hand.ts'
import { readProjectFile } from '../support/project.ts'
import { startUnleash, type UnleashServer } from '../support/unleash-server.ts'
import { lastObject, privateFile, runInProcess, temporaryFolder } from './run-crossfade.ts'
import { serveStub } from './stub-server.ts'

const EXAMPLE_FLAGS = /flags:\n( {2}.*\n)+/

/** A configuration with these flags, a file of ladders, and the command line over both. */
function workplace(t: TestContext, flags: string) {
  const folder = temporaryFolder(t)
  const example = readProjectFile('crossfade.example.yaml')
  assert.match(example, EXAMPLE_FLAGS)
  const config = privateFile(folder, 'crossfade.yaml', example.replace(EXAMPLE_FLAGS, `flags: ${flags}\n`))
  const ladders = join(folder, 'flags.yaml')
  const write = (text: string) => writeFileSync(ladders, `version: 1\nladders:\n${text}`)
  const flagsVerb = async (verb: string, ...more: string[]) => {
    const ended = await runInProcess(['flags', verb, '-f', ladders, '--config', config, ...more, '--json'], folder)
    return { exit: ended.exit, text: ended.stderr, answer: lastObject(ended) as unknown as Answer }
  }
  const apply = (...more: string[]) => flagsVerb('apply', '--execute', '--reason', 'a test', ...more)
  return { folder, config, write, apply, plan: (...more: string[]) => flagsVerb('plan', ...more) }
}

interface Answer {
  readonly executed: boolean
  readonly summary: Readonly<Record<string, number>>
  readonly switched_off: readonly string[]
  readonly left: readonly string[]
  readonly changes: readonly {
    readonly integration: string
    readonly state: string
    readonly scopes: readonly { cohort: string | null; from: string | null; to: string | null }[]
    readonly problem: { readonly code: string; readonly detail: string } | null
  }[]
  readonly error?: { readonly code: string; readonly detail: string }
}

const PILOT_LIVE = '  - { select: "*", cohorts: { pilot: { live: 10%, shadow: 60% } }, everybody: dualwrite }\n'

test('flags in a file: a plan says what differs, apply writes it once, and a second apply changes nothing', async (t) => {
  const path = join(temporaryFolder(t), 'flags.json')
  await writeFlagFile(path, { integrations: ['aws'], environment: 'production', phase: 'off' })
  const { write, plan, apply } = workplace(t, `{ source: file, path: ${path} }`)
  write(PILOT_LIVE)
  const planned = await plan('--detailed-exitcode')
  assert.equal(planned.exit, EXITS.drift.code)
  assert.deepEqual(planned.answer.changes[0]?.scopes, [
    { cohort: 'pilot', from: null, to: 'live 10 %, shadow 60 %, off' },
    { cohort: null, from: 'off', to: 'dualwrite' },
  ])
  assert.equal((await plan()).exit, EXITS.ok.code)
  const done = await apply()
  assert.deepEqual([done.exit, done.answer.summary['written']], [EXITS.ok.code, 2])
  const before = statSync(path).ino
  const again = await apply()
  assert.deepEqual([again.exit, again.answer.summary['same']], [EXITS.ok.code, 2])
  assert.equal(statSync(path).ino, before, 'the file is not written again')
  assert.equal((await plan('--detailed-exitcode')).exit, EXITS.ok.code)
})

test('a dry run of apply writes nothing, and --execute wants a reason', async (t) => {
  const path = join(temporaryFolder(t), 'flags.json')
  await writeFlagFile(path, { integrations: ['aws'], environment: 'production', phase: 'off' })
  const { folder, config, write } = workplace(t, `{ source: file, path: ${path} }`)
  write(PILOT_LIVE)
  const argv = ['flags', 'apply', '-f', join(folder, 'flags.yaml'), '--config', config]
  const before = readFileSync(path, 'utf8')
  const dry = await runInProcess(argv, folder)
  assert.equal(dry.exit, EXITS.ok.code)
  assert.match(dry.stdout, /aws +everybody +off +dualwrite/)
  assert.match(dry.stderr, /nothing was changed: add --execute/)
  assert.equal((await runInProcess([...argv, '--execute'], folder)).exit, EXITS.usage.code)
  assert.equal(readFileSync(path, 'utf8'), before)
})

test('a file of ladders that is wrong exits 2 with every place at once, and does nothing', async (t) => {
  const { write, plan } = workplace(t, '{ source: file, path: flags.json }')
  write(
    '  - { select: azure }\n  - { select: "*", cohorts: { pilto: live }, everybdy: off }\n  - { select: aws, everybody: sidways }\n',
  )
  const wrong = await plan()
  assert.equal(wrong.exit, EXITS.usage.code)
  assert.equal(wrong.answer.error?.code, 'flags-document-invalid')
  assert.match(wrong.text, /flags\.yaml:4:\d+ ladders\.1\.everybdy: unknown key; did you mean everybody\?/)
  assert.match(wrong.text, /flags\.yaml:5:\d+ ladders\.2\.everybody/)
  write('  - { select: azure }\n  - { select: "*", cohorts: { pilto: live } }\n')
  const misfit = await plan()
  assert.match(misfit.text, /flags\.yaml:3:\d+ ladders\.0\.select: azure selects no integration/)
  assert.match(misfit.text, /flags\.yaml:4:\d+ ladders\.1\.cohorts\.pilto: the configuration has no such cohort/)
})

const onServer = (t: TestContext, server: UnleashServer, folder: string, admin = true) =>
  workplace(
    t,
    `{ source: unleash, url: "${server.url}", environment: development, token_file: /none, refresh: 100ms, max_moves: 100%${
      admin ? `, admin: { token_file: ${privateFile(folder, 'admin', server.adminToken)} }` : ''
    } }`,
  )

test('flags on a real Unleash', async (t) => {
  const server = await startUnleash(t)
  const folder = temporaryFolder(t)

  await t.test('are planned, applied, applied again without a change, and found to have drifted', async (t) => {
    const { write, plan, apply } = onServer(t, server, folder)
    write(PILOT_LIVE)
    assert.equal((await plan('--detailed-exitcode')).exit, EXITS.drift.code)
    const done = await apply()
    assert.deepEqual([done.exit, done.answer.summary['written']], [EXITS.ok.code, 2], done.text)
    assert.equal((await apply()).answer.summary['same'], 2)
    assert.equal((await plan('--detailed-exitcode')).exit, EXITS.ok.code)
    const [first] = await server.admin.strategies('crossfade.aws')
    await server.admin.patchStrategy('crossfade.aws', first?.id ?? '', [
      { op: 'replace', path: '/parameters/rollout', value: '30' },
    ])
    const drifted = await plan('--detailed-exitcode')
    assert.equal(drifted.exit, EXITS.drift.code)
    assert.deepEqual(drifted.answer.changes[0]?.scopes, [
      { cohort: 'pilot', from: 'live 30 %, shadow 60 %, off', to: 'live 10 %, shadow 60 %, off' },
    ])
  })

  await t.test('of which one holds what nobody here wrote are applied in part, which exits 5', async (t) => {
    const { write, plan, apply } = onServer(t, server, folder)
    write('  - { select: "*", everybody: shadow }\n')
    await server.admin.addStrategy('crossfade.github', { name: 'default', parameters: {} })
    assert.equal((await plan()).exit, EXITS.refused.code)
    assert.equal((await plan('--detailed-exitcode')).exit, EXITS.drift.code)
    const part = await apply()
    assert.deepEqual([part.exit, part.answer.summary['refused']], [EXITS.partial.code, 1])
    assert.match(part.text, /--take-over/)
    assert.equal((await apply('--take-over')).exit, EXITS.ok.code)
  })

  await t.test('that somebody switched off stay off until that is said', async (t) => {
    const { write, apply } = onServer(t, server, folder)
    write('  - { select: "*", everybody: dualwrite }\n')
    await server.admin.turn('crossfade.aws', 'off')
    const kept = await apply()
    assert.deepEqual([kept.exit, kept.answer.switched_off], [EXITS.ok.code, ['aws']])
    assert.deepEqual((await apply('--switch-on')).answer.switched_off, [])
  })

  await t.test('are changed by a personal token where the configuration has none', async (t) => {
    const { write, plan, apply } = onServer(t, server, folder, false)
    write('  - { select: aws, everybody: live }\n')
    assert.equal((await plan()).answer.error?.code, 'flags-not-writable')
    const token = privateFile(folder, 'personal', await personalToken(server))
    const done = await apply('--unleash-token-file', token)
    assert.deepEqual([done.exit, done.answer.left], [EXITS.ok.code, ['github']], done.text)
    assert.doesNotMatch(JSON.stringify(done), new RegExp(readFileSync(token, 'utf8').trim().slice(0, 20)))
  })

  await t.test('are set by the human whose token is given, as the server of Crossfade planned', async (t) => {
    const { config } = onServer(t, server, folder, false)
    const change = { cohort: 'pilot', from: 'live', to: 'shadow', effective: 'shadow', waits_for: [] }
    const asked: unknown[] = []
    const { url } = await serveStub(t, (app) => {
      app.post('/api/v1/ops/flags', (request) => {
        asked.push((JSON.parse(String(request.body)) as { execute: boolean }).execute)
        return { executed: false, one_by_one: true, changes: [{ ...change, integration: 'aws' }] }
      })
    })
    const tokens = ['--token-file', privateFile(folder, 'operator', 'word'), '--unleash-token-file']
    const personal = privateFile(folder, 'human', await personalToken(server))
    const set = ['flags', 'set', 'aws', 'shadow', '--cohort', 'pilot', '--execute', '--reason', 'go', '--json']
    const ended = await runInProcess([...set, '--url', url, ...tokens, personal, '--config', config], folder)
    assert.equal(ended.exit, EXITS.ok.code, ended.stderr)
    assert.deepEqual(asked, [false], 'the plan is asked for; the change is not')
    const titles = (await server.admin.strategies('crossfade.aws')).map(({ title }) => title)
    assert.deepEqual(titles, ['pilot: 100 % shadow', 'everybody: 100 % live'])
    const { events } = (await server.admin.request(
      'GET',
      '/api/admin/search/events?feature=IS:crossfade.aws&limit=1',
    )) as { events: { createdByUserId: number }[] }
    assert.ok((events[0]?.createdByUserId ?? 0) > 0, 'a user of Unleash, not a token')
  })

  await t.test('are linted on the admin side, which shows what clients do not see', async (t) => {
    const { config } = onServer(t, server, folder)
    const lint = async () => {
      const ended = await runInProcess(['flags', 'lint', '--admin', '--config', config, '--json'], folder)
      return { exit: ended.exit, codes: ended.stderr, answer: lastObject(ended) as { findings?: { code: string }[] } }
    }
    const before = await lint()
    const codes = before.answer.findings?.map(({ code }) => code) ?? []
    assert.deepEqual([before.exit, codes.includes('strategy-disabled')], [EXITS.ok.code, false], before.codes)
    const [first] = await server.admin.strategies('crossfade.aws')
    await server.admin.patchStrategy('crossfade.aws', first?.id ?? '', [
      { op: 'replace', path: '/disabled', value: true },
    ])
    await server.admin.request('PATCH', '/api/admin/projects/default/features/crossfade.aws', [
      { op: 'replace', path: '/impressionData', value: true },
    ])
    const found = (await lint()).answer.findings?.map(({ code }) => code) ?? []
    for (const code of ['strategy-disabled', 'impression-data']) assert.ok(found.includes(code), code)
    await server.admin.addStrategy('crossfade.aws', { name: 'default', parameters: {} })
    assert.match((await lint()).codes, /crossfade\.aws: unknown-strategy/)
  })

  await t.test('are asked for by config check, with the environment and the project', async () => {
    const flags = { source: 'unleash', url: server.url, environment: 'development' } as const
    const check = async (client: string, admin: string, project: string) => {
      const config = {
        flags: {
          ...flags,
          token_file: privateFile(folder, 'checked-client', client),
          admin: { token_file: privateFile(folder, 'checked-admin', admin), project },
        },
      }
      return (await flagChecks(config as Parameters<typeof flagChecks>[0])).map(
        ({ level, message }) => `${level} ${message.replace(/^[\d.:]+: /, '')}`,
      )
    }
    assert.deepEqual(await check(server.clientToken('development'), server.adminToken, 'default'), [
      'ok it answers for development',
      'ok project default: it answers',
    ])
    const [environment, project] = await check(server.clientToken('production'), server.adminToken, 'nowhere')
    assert.equal(environment, 'problem the token is of environment production, not development')
    assert.match(project ?? '', /^problem /)
    const [refused] = await check('*:development.wrong', server.adminToken, 'default')
    assert.match(refused ?? '', /^problem the token is refused/)
  })

  await t.test('are not changed while the server is away, which exits 6', async (t) => {
    const { write, apply } = onServer(t, server, folder)
    write('  - { select: aws, everybody: off }\n')
    await server.stop()
    const away = await apply()
    assert.equal(away.exit, EXITS.unavailable.code)
    assert.equal(away.answer.changes[0]?.problem?.code, 'flag-server-unreachable')
  })
})
