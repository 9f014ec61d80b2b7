/**
 * The answers to a batch, which can only be opened by the question: no index, no iterator, so that nothing can be paired
 * by position and no answer can slip to the question beside it.
 *
 * A question is known by its key. Reads are known by their address: the same address twice in a batch is one question, asked
 * once and answered once. Writes are known by themselves: two requests of one address are two questions, each with an
 * outcome of its own, and whoever passes a batch on in other words answers for the requests that it was given.
 */
import { backendFault } from './faults.ts'
import { type Address, addressKey } from './secret.ts'

export interface Answers<in Question, out Answer> {
  /** Throws the fault `answer-not-asked` for a question of another batch. */
  of(question: Question): Answer
}

type KeyOf<Question> = (question: Question) => unknown

/** For questions that are known by themselves: the very object that was asked. */
export const itself: KeyOf<unknown> = (question) => question

/** `answer` is called once for each key. */
export function answersTo<Question, Answer>(
  questions: readonly Question[],
  keyOf: KeyOf<Question>,
  answer: (question: Question) => Answer,
): Answers<Question, Answer> {
  const answers = new Map<unknown, Answer>()
  for (const question of questions) {
    const key = keyOf(question)
    if (!answers.has(key)) answers.set(key, answer(question))
  }
  return {
    of: (question) => {
      const key = keyOf(question)
      if (!answers.has(key)) throw backendFault('answer-not-asked', 'the batch had no such question')
      return answers.get(key) as Answer
    },
  }
}

/** As `answersTo`, of questions that are answered one by one. */
export async function answeredEach<Question, Answer>(
  questions: readonly Question[],
  keyOf: KeyOf<Question>,
  answer: (question: Question) => Promise<Answer>,
): Promise<Answers<Question, Answer>> {
  const pending = distinct(questions, keyOf).map(async (question) => [keyOf(question), await answer(question)] as const)
  const answers = new Map(await Promise.all(pending))
  return answersTo(questions, keyOf, (question) => answers.get(keyOf(question)) as Answer)
}

/** Asks for so many at a time, one batch after the other. */
export async function inBatches<Question, Answer>(
  questions: readonly Question[],
  keyOf: KeyOf<Question>,
  size: number,
  ask: (some: readonly Question[]) => Promise<Answers<Question, Answer>>,
): Promise<Answers<Question, Answer>> {
  const answers = new Map<unknown, Answer>()
  const once = distinct(questions, keyOf)
  for (let from = 0; from < once.length; from += size) {
    const some = once.slice(from, from + size)
    const answered = await ask(some)
    for (const question of some) answers.set(keyOf(question), answered.of(question))
  }
  return answersTo(questions, keyOf, (question) => answers.get(keyOf(question)) as Answer)
}

/** Answers to the same questions, made from these. */
export const mapAnswers = <Question, From, To>(
  questions: readonly Question[],
  keyOf: KeyOf<Question>,
  answers: Answers<Question, From>,
  change: (answer: From, question: Question) => To,
): Answers<Question, To> => answersTo(questions, keyOf, (question) => change(answers.of(question), question))

/** The answers of reads: known by their address. */
export const byAddress = <Answer>(
  addresses: readonly Address[],
  answer: (address: Address) => Answer,
): Answers<Address, Answer> => answersTo(addresses, addressKey, answer)

/** Each question once, in the order given. */
export const distinct = <Question>(questions: readonly Question[], keyOf: KeyOf<Question>): readonly Question[] => [
  ...new Map(questions.map((question) => [keyOf(question), question])).values(),
]

/** A row of a driver's answer: the ordinal of its question, from 1, as `WITH ORDINALITY` counts. */
export interface Ordinal {
  readonly n: number
}

/** What the rows of a driver's answer say to one question. */
export type Match<Row> =
  | { readonly kind: 'none' }
  | { readonly kind: 'one'; readonly row: Row }
  /** Two rows or more: none of them is the answer. */
  | { readonly kind: 'ambiguous' }
  /** A row that carries another key than the one asked. */
  | { readonly kind: 'foreign' }

/**
 * Matches the rows of an answer with the questions that were sent, each sent once. `isOf` compares the key that a row carries
 * with the one asked; the ordinal alone says only what the server meant.
 */
export function matchRows<Question, Row extends Ordinal>(
  questions: readonly Question[],
  keyOf: KeyOf<Question>,
  rows: readonly Row[],
  isOf: (row: Row, question: Question) => boolean,
): Answers<Question, Match<Row>> {
  const ordinals = new Map(questions.map((question, at) => [keyOf(question), at + 1]))
  const found = new Map<number, Match<Row>>()
  for (const row of rows) found.set(row.n, found.has(row.n) ? AMBIGUOUS : { kind: 'one', row })
  return answersTo(questions, keyOf, (question) => {
    const match = found.get(ordinals.get(keyOf(question)) as number) ?? NONE
    return match.kind === 'one' && !isOf(match.row, question) ? FOREIGN : match
  })
}

const NONE = { kind: 'none' } as const
const AMBIGUOUS = { kind: 'ambiguous' } as const
const FOREIGN = { kind: 'foreign' } as const
