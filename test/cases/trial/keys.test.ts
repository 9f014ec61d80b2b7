import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { needs } from '../../support/parts.ts'
import { caseOf } from '../support/case.ts'
import { type Edit, enrolledHome } from '../support/enrolled.ts'

const redis = needs('redis-server')

const fingerprintKey =
  (path: string): Edit =>
  (config) => ({ ...config, ledger: { ...config.ledger, fingerprint_key_file: path } })
const etagKey =
  (path: string): Edit =>
  (config) => ({ ...config, etag: { ...config.etag, key_file: path } })

caseOf(
  ['trial', 'F2'],
  'a replica with another fingerprint key or ETag key is refused at its start and at a reload',
  { skip: redis.skip },
  async (t) => {
    const { home, first } = await enrolledHome(t, redis.path)
    const other = home.keep('other', randomBytes(32))
    await assert.rejects(home.serve(fingerprintKey(other)), { code: 'fingerprint-key-differs' })
    await assert.rejects(home.serve(etagKey(other)), { code: 'etag-key-differs' })

    home.rewrite(fingerprintKey(other))
    const told = await first.reload()
    assert.match(
      told.kind === 'refused' ? told.why : told.kind,
      /^fingerprint-key-differs: ledger\.fingerprint_key_file/,
    )
    await first.stop()
    await assert.rejects(home.serve(), { code: 'fingerprint-key-differs' }, 'nobody else lives, and the ledger knows')
    await assert.rejects(
      home.serve((config) => etagKey(other)(fingerprintKey(`${home.folder}/fp`)(config))),
      { code: 'etag-key-differs' },
    )
  },
)

caseOf(
  ['trial', 'F2'],
  'while nothing is enrolled and nobody else lives, another fingerprint key is taken',
  {},
  async (t) => {
    const { home, first } = await enrolledHome(t, null)
    const { exit, stderr } = await first.cli('abandon', 'aws', '--execute', '--reason', 'it ends')
    assert.equal(exit, 0, stderr)
    await first.stop()
    home.rewrite(fingerprintKey(home.keep('other', randomBytes(32))))
    const second = await home.serve()
    assert.equal((await second.request('aws/acme/token')).status, 200)
  },
)
