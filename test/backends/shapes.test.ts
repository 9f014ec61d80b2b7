import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { digest, type Shape } from '../../backends/digest.ts'
import { makeFidelity, representable } from '../../backends/fidelity.ts'
import { type Address, DEFAULT_CONTENT_TYPE, type Secret, SecretValue } from '../../backends/secret.ts'
import { ANY, type GetOutcome, type Store } from '../../backends/store.ts'
import { useBao } from '../support/bao.ts'
import { call } from './checks/check.ts'
import { MAPPINGS, type Mapping, postgresSubject, sealedSubject, vaultKvSubject } from './subjects.ts'

/*
 * Table shape x adapter x what is stored or refused, on the real stores; and then every pair of adapters: it refuses what
 * one of its sides cannot hold and nothing else, and of what it takes both sides give back what was written.
 */
const bao = useBao()
const bare = (column: Mapping['column'], type: string): Mapping => ({
  create: `create table t (integration text, customer text, name text, value ${type}, primary key (integration, customer, name))`,
  columns: {},
  column,
})

const SAMPLES = {
  empty: '',
  word: 'word',
  blanks: ' a \r\n\t',
  'byte order mark': '\u{feff}{}',
  binary: new Uint8Array([0xff, 0xfe, 0x00]),
  'broken UTF-8 in JSON': new Uint8Array([0x22, 0xff, 0x22]),
  nul: 'a\0b',
  document: '{"b":[1,2.5,"é",null,true],"a":{}}',
  'white space': '{ "a" : 1 }\n',
  exponent: '{"a":1e2}',
  'a zero behind the point': '{"a":1.0}',
  'minus zero': '-0',
  'escaped nul': '"\\u0000"',
  'half a pair': '"\\ud800"',
  'twenty digits': '12345678901234567890',
  'two equal keys': '{"a":1,"a":2}',
  __proto__key: '{"__proto__":{"x":1}}',
  'text as JSON': '"word"',
} as const satisfies Record<string, string | Uint8Array>
type Sample = keyof typeof SAMPLES

const NOT_TEXT: readonly Sample[] = ['binary', 'broken UTF-8 in JSON', 'nul']
const NOT_JSON: readonly Sample[] = ['empty', 'word', 'blanks', 'byte order mark', ...NOT_TEXT]
const JSONB: readonly Sample[] = [...NOT_JSON, 'exponent', 'minus zero', 'escaped nul', 'half a pair']

/** Numbers that a double in its shortest form is not. */
const DOUBLES: readonly Sample[] = ['exponent', 'a zero behind the point', 'twenty digits']

interface Row {
  readonly open: (t: TestContext) => Promise<Store>
  readonly skip?: string | false
  /** What is refused under each shape; null: the shape itself is. */
  readonly refuses: Readonly<Record<Shape, readonly Sample[] | null>>
}

/** One row an adapter; a new one is one row more. */
const ADAPTERS: Readonly<Record<string, Row>> = {
  'postgres bytea': { open: postgresSubject(bare('bytea', 'bytea')), refuses: { bytes: [], json: NOT_JSON } },
  'postgres base64': { open: postgresSubject(bare('base64', 'text')), refuses: { bytes: [], json: NOT_JSON } },
  'postgres hex': { open: postgresSubject(bare('hex', 'text')), refuses: { bytes: [], json: NOT_JSON } },
  'postgres text': { open: postgresSubject(bare('text', 'text')), refuses: { bytes: NOT_TEXT, json: NOT_JSON } },
  'postgres json': { open: postgresSubject(bare('json', 'json')), refuses: { bytes: null, json: NOT_JSON } },
  'postgres jsonb': { open: postgresSubject(bare('jsonb', 'jsonb')), refuses: { bytes: null, json: JSONB } },
  'postgres encrypted': {
    open: postgresSubject(MAPPINGS['postgres, IV before tag, as Node programs write it']),
    refuses: { bytes: [], json: NOT_JSON },
  },
  sealed: { open: sealedSubject, refuses: { bytes: [], json: NOT_JSON } },
  kv1: { open: vaultKvSubject(bao, { version: 1 }), skip: bao.skip, refuses: { bytes: [], json: NOT_JSON } },
  kv2: { open: vaultKvSubject(bao, { version: 2 }), skip: bao.skip, refuses: { bytes: [], json: NOT_JSON } },
  'kv1 map': {
    open: vaultKvSubject(bao, { version: 1, value: { as: 'map' } }),
    skip: bao.skip,
    refuses: { bytes: null, json: [...NOT_JSON, 'half a pair'] },
  },
  'kv2 map': {
    open: vaultKvSubject(bao, { version: 2, value: { as: 'map' } }),
    skip: bao.skip,
    refuses: { bytes: null, json: [...NOT_JSON, 'half a pair', ...DOUBLES] },
  },
}

const KEY = createSecretKey(randomBytes(32))
const SHAPES: readonly Shape[] = ['bytes', 'json']
const secretOf = (sample: Sample, more: Partial<Secret> = {}): Secret => {
  const value = SAMPLES[sample]
  return {
    value: typeof value === 'string' ? SecretValue.ofText(value) : SecretValue.of(value),
    contentType: null,
    metadata: {},
    ...more,
  }
}
const addressOf = (sample: Sample): Address => ({ integration: 'aws', customer: 'acme', name: sample })

const fingerprint = (where: Address, secret: Secret, shape: Shape): string =>
  digest(KEY, 'fingerprint', where, secret, shape)

/** What each adapter gave back of each sample that it took, for the pairs. */
type Held = Map<Sample, GetOutcome>
const held = new Map<string, { readonly store: Store; readonly held: Held }>()

for (const [name, row] of Object.entries(ADAPTERS)) {
  test(`${name}: every sample is stored or refused as the table says`, { skip: row.skip ?? false }, async (t) => {
    const store = await row.open(t)
    const kept: Held = new Map()
    for (const shape of SHAPES) {
      const { fidelity, reasons } = makeFidelity(shape, store.capabilities, store.capabilities)
      const refuses = row.refuses[shape]
      assert.equal(reasons.length > 0, refuses === null, `shape ${shape}: ${reasons.join()}`)
      if (refuses === null) continue
      const said = (Object.keys(SAMPLES) as Sample[]).filter(
        (sample) => representable(fidelity, secretOf(sample)) !== null,
      )
      assert.deepEqual(said.sort(), [...refuses].sort(), `shape ${shape}`)
      for (const sample of Object.keys(SAMPLES) as Sample[]) {
        if (refuses.includes(sample)) continue
        const put = await store.put(addressOf(sample), secretOf(sample), ANY, call())
        assert.equal(put.kind, 'done', `${shape}: ${sample}: ${JSON.stringify(put)}`)
        kept.set(sample, await store.get(addressOf(sample), call()))
      }
    }
    await store.close()
    held.set(name, { store, held: kept })
  })
}

test('every pair refuses what one of its sides cannot hold and nothing else, and has no mismatch on what it takes', () => {
  assert.ok(held.size >= 8)
  let compared = 0
  for (const [legacyName, legacy] of held) {
    for (const [newName, fresh] of held) {
      for (const shape of SHAPES) {
        const pair = `${shape}: ${legacyName} and ${newName}`
        const both = [ADAPTERS[legacyName]?.refuses[shape] ?? null, ADAPTERS[newName]?.refuses[shape] ?? null] as const
        const { fidelity, reasons } = makeFidelity(shape, legacy.store.capabilities, fresh.store.capabilities)
        assert.equal(reasons.length, both.filter((refuses) => refuses === null).length, pair)
        if (reasons.length > 0) continue
        for (const sample of Object.keys(SAMPLES) as Sample[]) {
          const isBeyond = representable(fidelity, secretOf(sample)) !== null
          assert.equal(
            isBeyond,
            both.some((refuses) => refuses?.includes(sample)),
            `${pair}: ${sample}`,
          )
          if (isBeyond) continue
          const where = addressOf(sample)
          for (const outcome of [legacy.held.get(sample), fresh.held.get(sample)]) {
            assert.ok(outcome?.kind === 'found', `${pair}: ${sample}`)
            assert.equal(
              fingerprint(where, outcome.secret, shape),
              fingerprint(where, secretOf(sample), shape),
              `${pair}: ${sample}`,
            )
            compared += 1
          }
        }
      }
    }
  }
  assert.ok(compared > 1000)
})

test('what is stored where there is no column for a content type reads as the default, and that is no mismatch', async (t) => {
  const [bareStore, full] = [await postgresSubject(bare('text', 'text'))(t), await sealedSubject(t)]
  t.after(() => Promise.all([bareStore.close(), full.close()]))
  const where = addressOf('word')
  const secret = secretOf('word', { contentType: DEFAULT_CONTENT_TYPE })
  const prints = new Set<string>()
  for (const store of [bareStore, full]) {
    assert.equal((await store.put(where, secret, ANY, call())).kind, 'done')
    const outcome = await store.get(where, call())
    assert.ok(outcome.kind === 'found')
    prints.add(fingerprint(where, outcome.secret, 'bytes'))
  }
  assert.equal(prints.size, 1)
})

test('bytes that are not UTF-8 are not equal for being read as the same text, under json neither', () => {
  const broken = (byte: number): Secret => ({
    ...secretOf('word'),
    value: SecretValue.of(new Uint8Array([0x22, byte, 0x22])),
  })
  const where = addressOf('word')
  assert.notEqual(fingerprint(where, broken(0xff), 'json'), fingerprint(where, broken(0xfe), 'json'))
})
