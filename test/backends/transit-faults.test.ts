import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Customers } from '../../backends/sealed/customers.ts'
import type { Keyring, OpenOutcome, SealOutcome } from '../../backends/sealed/keyring.ts'
import { makeTransitKeyring } from '../../backends/sealed/transit-keyring.ts'
import { call } from './checks/check.ts'
import { answer, faultyServer, type Handler, raw, reset } from './vault/faulty-server.ts'
import { openClient, tokenAuth } from './vault/with-client.ts'

/** Every customer has had a key for long, so that only the answers of the server matter here. */
const KNOWN: Pick<Customers, 'claim' | 'made'> = {
  claim: async () => ({ kind: 'may', make: new Set() }),
  made: async () => null,
}

async function open(t: TestContext, handler: Handler): Promise<Keyring> {
  const { url } = await faultyServer(t, handler)
  const { client } = openClient(t, { address: url, auth: await tokenAuth(t) })
  const customers = KNOWN as Customers
  return makeTransitKeyring({ client, mount: ['transit'], keyName: '{customer}', customers, cache: 10 })
}
const inShort = (outcome: SealOutcome | OpenOutcome | undefined): string => {
  if (outcome?.kind !== 'failed') return outcome?.kind ?? 'none'
  return `${outcome.failure.certain ? 'certain' : 'unsure'} ${outcome.failure.reason}`
}
const results = (...items: readonly object[]): string => JSON.stringify({ data: { batch_results: items } })
const errors = (message: string): string => JSON.stringify({ errors: [message] })

const REQUEST = { customer: 'acme', context: Buffer.from('c'), plaintext: Buffer.from('p') }
const SEALED = { ...REQUEST, keyVersion: 1, nonce: Buffer.alloc(0), ciphertext: Buffer.from('sealed') }

/** What the server does, and what becomes of a seal and of an open. A seal is always certain: nothing was stored yet. */
const FAULTS: Readonly<Record<string, readonly [Handler, string, string]>> = {
  'cuts the connection': [reset, 'certain unavailable', 'unsure connection-lost'],
  'cuts its answer': [
    raw('HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{"data":{'),
    'certain unavailable',
    'unsure connection-lost',
  ],
  'answers broken JSON': [answer(200, '{"data":{"batch_results":[{"cipher'), 'certain unavailable', 'unsure protocol'],
  'answers JSON of another shape': [answer(200, '[1]'), 'certain unavailable', 'unsure protocol'],
  'answers null': [answer(200, 'null'), 'certain unavailable', 'unsure protocol'],
  'answers fewer results than were asked for': [answer(200, results()), 'certain unavailable', 'unsure protocol'],
  'answers a result without a value': [answer(200, results({})), 'certain unavailable', 'unsure protocol'],
  'answers a ciphertext that is none': [
    answer(200, results({ ciphertext: 'vault:v0:x' })),
    'certain unavailable',
    'unsure protocol',
  ],
  'answers an error that nobody knows': [
    answer(400, results({ error: 'something new' })),
    'certain unavailable',
    'unsure protocol',
  ],
  'refuses the whole call': [answer(400, errors('something new')), 'certain rejected', 'certain rejected'],
  'finds the body too complex': [
    answer(400, errors('refused JSON input due to high complexity: too many strings')),
    'certain too-large',
    'certain too-large',
  ],
  'finds the body too large': [
    answer(413, errors('http: request body too large')),
    'certain too-large',
    'certain too-large',
  ],
  'has no such engine': [answer(404, errors('no handler for route')), 'certain rejected', 'certain rejected'],
  'has no such key': [answer(400, errors('encryption key not found')), 'revoked', 'revoked'],
  'has soft-deleted the key': [
    answer(400, results({ error: 'refusing to use soft-deleted key' })),
    'revoked',
    'revoked',
  ],
  'has too much to do': [answer(429, '', { 'retry-after': '60' }), 'certain throttled', 'certain throttled'],
  'is sealed': [answer(503, errors('Vault is sealed')), 'certain unavailable', 'certain unavailable'],
  denies: [answer(403, errors('permission denied')), 'certain denied', 'certain denied'],
}

for (const [fault, [handler, sealing, opening]] of Object.entries(FAULTS)) {
  test(`a server that ${fault}: seal is ${sealing}, open is ${opening}`, async (t) => {
    const keyring = await open(t, handler)
    assert.equal(inShort((await keyring.seal([REQUEST], call()))[0]), sealing)
    assert.equal(inShort((await keyring.open([SEALED], call()))[0]), opening)
  })
}

test('each item of a batch has its own outcome, whatever the others had', async (t) => {
  const handler = answer(
    200,
    results(
      { plaintext: Buffer.from('one').toString('base64') },
      { plaintext: '', error: 'cipher: message authentication failed' },
      { plaintext: '', error: 'invalid ciphertext: version is too new' },
      { plaintext: '' },
    ),
  )
  const keyring = await open(t, handler)
  const outcomes = await keyring.open([SEALED, SEALED, SEALED, SEALED], call())
  assert.deepEqual(outcomes.map(inShort), ['opened', 'undecryptable', 'undecryptable', 'opened'])
})
