import assert from 'node:assert/strict'
import { needs } from '../../support/parts.ts'
import { caseOf } from '../support/case.ts'
import { emptyDatabase, enrolledHome, withIntegrations, withStore } from '../support/enrolled.ts'

const redis = needs('redis-server')
const refused =
  (code: string, ...words: readonly RegExp[]) =>
  (error: { code?: string; detail?: string }) => {
    assert.equal(error.code, code)
    for (const word of words) assert.match(error.detail ?? '', word)
    return true
  }

caseOf(
  ['history', 'H1'],
  'a configuration that renames what the ledger holds is refused, and names the verb',
  {},
  async (t) => {
    const { home, first } = await enrolledHome(t, null)
    home.rewrite(withIntegrations({ amazon: {} }))

    const told = await first.reload()
    assert.match(
      told.kind === 'refused' ? told.why : told.kind,
      /^integration-left-out: aws \(enrolled\).*crossfade integrations rename aws amazon/,
    )
    assert.equal((await first.request('aws/acme/token')).status, 200, 'the configuration before stands')
    await first.stop()

    await assert.rejects(home.serve(), refused('integration-left-out', /^aws \(enrolled\)/, /rename aws amazon/))
  },
)

caseOf(
  ['history', 'H2'],
  'an integration that the ledger holds cannot be left out, and can once it is abandoned',
  {},
  async (t) => {
    const { home, first } = await enrolledHome(t, null)
    home.rewrite(withIntegrations({ slack: {}, stripe: {} }))
    assert.equal((await first.reload()).kind, 'refused')
    await first.stop()
    await assert.rejects(home.serve(), refused('integration-left-out', /^aws \(enrolled\)/, /rename aws NEW/))

    home.rewrite(withIntegrations({ aws: {}, slack: {} }))
    const again = await home.serve()
    const { exit, stderr } = await again.cli('abandon', 'aws', '--execute', '--reason', 'it ends')
    assert.equal(exit, 0, stderr)
    home.rewrite(withIntegrations({ slack: {} }))
    assert.equal((await again.reload()).kind, 'reloaded')
    await again.stop()
    const last = await home.serve()
    assert.equal((await last.request('aws/acme/token')).status, 404)
  },
)

caseOf(
  ['history', 'H3'],
  'a replica whose store is another one than the one enrolled is refused, whichever side it is',
  { skip: redis.skip },
  async (t) => {
    const { home, first } = await enrolledHome(t, redis.path)
    const empty = await emptyDatabase(t)
    const same = await home.serve()
    assert.equal((await same.request('aws/acme/token')).status, 200)

    const other = (store: string, change: Record<string, unknown>) => home.serve(withStore(store, change))
    await assert.rejects(
      other('vaulted', { url: empty }),
      refused(
        'enrolled-otherwise',
        /^aws: `new` is another store than the one it was enrolled with: store `vaulted` \(schema sealed of database /,
      ),
    )
    await assert.rejects(
      other('vaulted', { schema: 'sealed2' }),
      refused('enrolled-otherwise', /`new`.*schema sealed2.*, was store `vaulted` \(schema sealed /),
    )
    await assert.rejects(other('homegrown', { url: empty }), refused('enrolled-otherwise', /`legacy` is another store/))
    await assert.rejects(
      other('homegrown', { table: 'other' }),
      refused('enrolled-otherwise', /`legacy`.*table other.*, was store `homegrown` \(table t /),
    )
    await assert.rejects(
      other('homegrown', { encoding: { column: 'base64' } }),
      refused('enrolled-otherwise', /^aws: `legacy`: store `homegrown` is mapped otherwise: encoding$/),
    )

    assert.equal((await first.request('aws/acme/token')).status, 200)
    home.rewrite(withStore('vaulted', { url: empty, schema: 'sealed2' }))
    const told = await first.reload()
    assert.match(told.kind === 'refused' ? told.why : told.kind, /^enrolled-otherwise: aws: `new` is another store/)
  },
)

caseOf(['history', 'H4'], 'legacy and new in each other’s place are refused', {}, async (t) => {
  const { home, first } = await enrolledHome(t, null)
  home.rewrite(withIntegrations({ aws: { legacy: 'vaulted', new: 'homegrown' } }))
  const told = await first.reload()
  assert.match(
    told.kind === 'refused' ? told.why : told.kind,
    /^enrolled-otherwise: aws: `legacy` and `new` are swapped$/,
  )
  await first.stop()
  await assert.rejects(home.serve(), refused('enrolled-otherwise', /^aws: `legacy` and `new` are swapped$/))
})

caseOf(
  ['history', 'H5'],
  'a replica with another shape of the values is refused, and says which',
  { skip: redis.skip },
  async (t) => {
    const { home } = await enrolledHome(t, redis.path)
    await assert.rejects(
      home.serve(withIntegrations({ aws: { value: 'json' } })),
      refused('enrolled-otherwise', /^aws: value: json, was bytes$/),
    )
  },
)
