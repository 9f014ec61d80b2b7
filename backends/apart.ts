/**
 * One bad secret fails alone. A batch that a store refuses whole, for what may be the matter of a single secret in it, is sent
 * again in halves until the culprit stands alone; the others go on. A culprit among 500 costs some twenty calls more.
 */
import { type Answers, answersTo } from './answers.ts'
import type { Failure } from './failure.ts'

/** What a store said to a batch: an answer to each, or one failure for all of it. */
export type BatchAnswer<Question, Answer> =
  | { readonly kind: 'answers'; readonly answers: Answers<Question, Answer> }
  | { readonly kind: 'failed'; readonly failure: Failure }

export interface Sending<Question, Answer> {
  readonly keyOf: (question: Question) => unknown
  readonly send: (some: readonly Question[]) => Promise<BatchAnswer<Question, Answer>>
  /** Whether this failure of a batch is worth sending its parts. */
  readonly isApart: (failure: Failure) => boolean
  /** What a failure means for one secret; `alone` if it was the only one of its batch. */
  readonly failed: (question: Question, failure: Failure, alone: boolean) => Answer | Promise<Answer>
}

/** A read may be sent again whatever it met. */
export const apartRead = ({ ofOne }: Failure): boolean => ofOne !== undefined

/** A write only if nothing of it was applied, for certain. */
export const apartWrite = ({ certain, ofOne }: Failure): boolean => certain && ofOne !== undefined

export async function sendApart<Question, Answer>(
  questions: readonly Question[],
  sending: Sending<Question, Answer>,
): Promise<Answers<Question, Answer>> {
  const { keyOf, send, isApart, failed } = sending
  const answers = new Map<unknown, Answer>()
  const go = async (some: readonly Question[]): Promise<void> => {
    const batch = await send(some)
    if (batch.kind === 'failed' && some.length > 1 && isApart(batch.failure)) {
      const middle = some.length >> 1
      await go(some.slice(0, middle))
      return go(some.slice(middle))
    }
    for (const question of some) {
      const answer =
        batch.kind === 'answers' ? batch.answers.of(question) : await failed(question, batch.failure, some.length === 1)
      answers.set(keyOf(question), answer)
    }
  }
  if (questions.length > 0) await go(questions)
  return answersTo(questions, keyOf, (question) => answers.get(keyOf(question)) as Answer)
}
