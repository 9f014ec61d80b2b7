import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { caseOf } from '../support/case.ts'
import { enrolledHome, withIntegrations, withStore } from '../support/enrolled.ts'

const reasoned = ['--execute', '--reason', 'a case'] as const

caseOf(
  ['history', 'H1'],
  'what is enrolled is not renamed, and the refusal says what comes first; once abandoned, its caps go by the new name',
  {},
  async (t) => {
    const { home, first } = await enrolledHome(t, null)
    assert.equal((await first.cli('rollback', 'aws', '--reason', 'a case')).exit, 0)
    const held = await first.cli('integrations', 'rename', 'aws', 'amazon', ...reasoned)
    assert.equal(held.exit, 4)
    assert.match(
      held.stderr,
      /rename-refused[\s\S]*aws is enrolled[\s\S]*crossfade abandon aws;[\s\S]*crossfade migrate amazon/,
    )
    const unknown = await first.cli('integrations', 'rename', 'azure', 'amazon')
    assert.match(unknown.stderr, /not-configured/)

    assert.equal((await first.cli('abandon', 'aws', ...reasoned)).exit, 0)
    const early = await first.cli('integrations', 'rename', 'aws', 'amazon', ...reasoned)
    assert.equal(early.exit, 0, early.stderr)
    assert.match(early.stderr, /1 caps go by amazon\naws keeps its own while home-1 has it/)
    await first.stop()

    home.rewrite(withIntegrations({ amazon: {} }))
    await home.query("update t set integration = 'amazon'")
    const second = await home.serve()
    const late = await second.cli('integrations', 'rename', 'aws', 'amazon', ...reasoned)
    assert.equal(late.exit, 0, late.stderr)
    const { stdout } = await second.cli('caps', 'amazon')
    assert.match(stdout, /amazon/)
    const list = await second.cli('integrations', 'list')
    assert.doesNotMatch(list.stdout, /aws/)
    assert.equal((await second.cli('migrate', 'amazon', ...reasoned)).exit, 0)
    assert.match((await second.cli('integrations', 'list')).stdout, /amazon +enrolled +yes +table t of database/)
    assert.equal(await (await second.request('amazon/acme/token')).text(), 'v1')
  },
)

caseOf(
  ['history', 'H3'],
  'a store that was moved as it is, and an ETag key that was exchanged, are accepted by an operator’s word while nobody serves',
  {},
  async (t) => {
    const { home, first } = await enrolledHome(t, null)
    const accept = (...more: readonly string[]) => first.cli('config', 'accept', home.config, ...more)
    assert.match((await accept()).stderr, /it is as the ledger knows it/)

    await home.query('alter table t rename to secrets')
    home.rewrite((config) => ({
      ...withStore('homegrown', { table: 'secrets' })(config),
      etag: { key_file: home.keep('next-etag', randomBytes(32)) },
    }))
    const checked = await home.check()
    assert.match(checked.stdout, /problem +integrations\.aws +aws: `legacy` is another store/)
    assert.match(checked.stdout, /problem +etag\.key_file/)
    const living = await accept(...reasoned)
    assert.match(living.stderr, /replica-differs[\s\S]*home-1/, 'a live one would go on with the old')
    await first.stop()
    await assert.rejects(home.serve(), { code: 'etag-key-differs' })

    const dry = await accept()
    assert.match(dry.stdout, /^aws: `legacy` is another store.*\(table secrets .*\netag\.key_file: another key\n$/)
    assert.match(dry.stderr, /nothing was done/)
    assert.equal((await accept(...reasoned)).exit, 0)
    const second = await home.serve()
    assert.equal(await (await second.request('aws/acme/token')).text(), 'v1')
    await second.stop()

    home.rewrite(withIntegrations({ aws: { value: 'json' } }))
    const other = await accept(...reasoned)
    assert.match(other.stderr, /enrolled-otherwise[\s\S]*value: json, was bytes/, 'this is no move')
  },
)
