import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  freeUpTo,
  GATE_CONDITIONS,
  type GateCondition,
  type GateFacts,
  type GateFigures,
  inWords,
  judgeGate,
  nextGate,
  SOAKS_IN,
} from '../../flags/gates.ts'
import type { GateConditions } from '../../flags/gates-config.ts'
import { mergeGates } from '../../flags/gates-config.ts'

const DAY = 86_400_000
const FIGURES: GateFigures = {
  inventoried: true,
  secrets: 4200,
  copied: 4200,
  verified: 4200,
  quarantined: 0,
  debts: 0,
  mismatches: 0,
  comparisons: 1000,
  fullVerify: false,
  bypassed: 0,
  bypassSeenAt: null,
}

interface Cell {
  readonly asked: GateConditions
  /** Just enough, and just not enough, with what is then said. */
  readonly passes: Partial<GateFigures> | { readonly soaked: number }
  readonly fails: Partial<GateFigures> | { readonly soaked: number | null }
  readonly text: string
  readonly next: RegExp
  /** Without the ledger. */
  readonly unknown: RegExp
}

/** One row a condition: the compiler asks for each. */
const TABLE: Readonly<Record<GateCondition, Cell>> = {
  copied: {
    asked: { copied: 1 },
    passes: {},
    fails: { copied: 4119 },
    text: 'copied 98 % of 100 %: 81 of 4200 left',
    next: /^crossfade migrate aws --execute/,
    unknown: /copied not known/,
  },
  verified: {
    asked: { verified: 0.99 },
    passes: { verified: 4158 },
    fails: { verified: 4157 },
    text: 'verified 98.9 % of 99 %: 1 of 4200 left',
    next: /^crossfade verify aws --execute/,
    unknown: /verified not known/,
  },
  comparisons: {
    asked: { comparisons: 1000 },
    passes: {},
    fails: { comparisons: 999 },
    text: 'comparisons 999 of 1000',
    next: /^crossfade status aws/,
    unknown: /comparisons not known/,
  },
  stable_mismatches: {
    asked: { stable_mismatches: 2 },
    passes: { mismatches: 2 },
    fails: { mismatches: 3 },
    text: 'stable mismatches 3, at most 2',
    next: /^crossfade mismatches aws/,
    unknown: /stable mismatches not known/,
  },
  no_bypass: {
    asked: { no_bypass: true },
    passes: { bypassSeenAt: 5 },
    fails: { bypassed: 3, bypassSeenAt: Date.UTC(2026, 0, 2, 3, 4, 5) },
    text: 'bypass: 3 secrets changed past the proxy, last seen 2026-01-02T03:04:05.000Z, and no full verify without one since',
    next: /^crossfade verify aws --execute/,
    unknown: /bypass not known/,
  },
  debts: {
    asked: { debts: 0 },
    passes: {},
    fails: { debts: 1 },
    text: 'debts 1, at most 0',
    next: /^crossfade status aws/,
    unknown: /debts not known/,
  },
  soak: {
    asked: { soak: DAY },
    passes: { soaked: DAY },
    fails: { soaked: DAY - 3_600_000 },
    text: 'soak 23h of 1d in shadow: 1h left',
    next: /^crossfade status aws/,
    unknown: /^$/,
  },
}

const SUBJECT = { integration: 'aws', cohort: 'pilot', phase: 'live' } as const

const facts = (given: Cell['fails']): GateFacts =>
  'soaked' in given
    ? { figures: FIGURES, soaked: given.soaked }
    : { figures: { ...FIGURES, ...given }, soaked: Number.POSITIVE_INFINITY }

const judge = (asked: GateConditions, given: Cell['fails']) => judgeGate(asked, facts(given), SUBJECT)

for (const condition of GATE_CONDITIONS) {
  const cell = TABLE[condition]
  test(`a gate that asks for ${condition} opens at the figure asked for, and says what is lacking below it`, () => {
    assert.deepEqual(judge(cell.asked, cell.passes), [])
    const [wait, ...more] = judge(cell.asked, cell.fails)
    assert.deepEqual([wait?.condition, wait?.text, more], [condition, cell.text, []])
    assert.match(wait?.next ?? '', cell.next)
    const blind = judgeGate(cell.asked, { figures: null, soaked: Number.POSITIVE_INFINITY }, SUBJECT)
    assert.match(blind.map(({ text }) => text).join(), cell.unknown)
  })
}

test('all that is lacking is said at once, in a fixed order', () => {
  const asked = Object.assign({}, ...GATE_CONDITIONS.map((condition) => TABLE[condition].asked))
  const nothing = { ...FIGURES, copied: 0, verified: 0, comparisons: 0, mismatches: 9, bypassed: 9, debts: 9 }
  const waits = judgeGate(asked, { figures: nothing, soaked: null }, SUBJECT)
  assert.deepEqual(
    waits.map(({ condition }) => condition),
    GATE_CONDITIONS,
  )
})

test('a full verify counts for comparisons only where the configuration says so', () => {
  const few = { comparisons: 0, fullVerify: true }
  assert.equal(judge({ comparisons: 1 }, few).length, 1)
  assert.deepEqual(judge({ comparisons: 1, or_full_verify: true }, few), [])
  const [wait] = judge({ comparisons: 1, or_full_verify: true }, { comparisons: 0 })
  assert.match(wait?.next ?? '', /^crossfade verify aws/)
})

test('before the inventory no share means anything; after it an empty cohort has nothing to wait for', () => {
  const empty = { secrets: 0, copied: 0, verified: 0 }
  const [wait] = judge({ copied: 1 }, { ...empty, inventoried: false })
  assert.equal(wait?.text, 'copied: no inventory was taken')
  assert.deepEqual(judge({ copied: 1, verified: 1 }, empty), [])
})

test('who waits for secrets in quarantine alone is sent there', () => {
  const [wait] = judge({ copied: 1 }, { copied: 4198, quarantined: 2 })
  assert.match(wait?.text ?? '', /2 of 4200 left, 2 in quarantine$/)
  assert.equal(wait?.next, 'crossfade quarantine list aws')
})

test('a share just below the whole never reads as the whole', () => {
  const [wait] = judge({ copied: 1 }, { copied: 4199 })
  assert.equal(wait?.text, 'copied 99.9 % of 100 %: 1 of 4200 left')
})

test('who does not run the step before has not soaked at all, and skipping rampdown soaks in live', () => {
  const [wait] = judge({ soak: DAY }, { soaked: null })
  assert.equal(wait?.text, 'soak: does not run shadow yet, 1d of it are asked')
  assert.equal(SOAKS_IN.complete, 'live')
})

test('a phase is free up to the first gate that asks anything', () => {
  const gates = { shadow: {}, live: { debts: 0 } }
  assert.equal(freeUpTo(gates, 'off'), 'shadow')
  assert.equal(freeUpTo(gates, 'live'), 'complete')
  assert.equal(freeUpTo({}, 'off'), 'complete')
  assert.deepEqual([nextGate(gates, 'off'), nextGate(gates, 'live')], ['live', null])
})

test('what an integration says counts before what all say, condition by condition', () => {
  const general = { live: { verified: 1, soak: DAY }, shadow: { copied: 1 } }
  assert.deepEqual(mergeGates(general, { live: { soak: 3 * DAY } }), {
    shadow: { copied: 1 },
    live: { verified: 1, soak: 3 * DAY },
  })
})

test('durations are said in their two largest units', () => {
  assert.deepEqual([0, 999, 61_000, 3 * DAY + 7_200_000].map(inWords), ['0s', '1s', '1m 1s', '3d 2h'])
})
