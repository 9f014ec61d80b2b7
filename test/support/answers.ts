import { type Answers, byAddress, itself, mapAnswers } from '../../backends/answers.ts'
import { type Address, addressKey } from '../../backends/secret.ts'
import type { GetOutcome, PutOutcome, PutRequest } from '../../backends/store.ts'

/** The answers to these questions, as a list that a test can compare. */
export const listed = <Question, Answer>(
  questions: readonly Question[],
  answers: Answers<Question, Answer>,
): Answer[] => questions.map((question) => answers.of(question))

/** What a store read, changed on its way back. */
export const otherwise = (
  addresses: readonly Address[],
  answers: Answers<Address, GetOutcome>,
  change: (outcome: GetOutcome, address: Address) => GetOutcome,
): Answers<Address, GetOutcome> => mapAnswers(addresses, addressKey, answers, change)

/** What became of writes, changed on its way back. */
export const toldOtherwise = (
  puts: readonly PutRequest[],
  answers: Answers<PutRequest, PutOutcome>,
  change: (outcome: PutOutcome, put: PutRequest) => PutOutcome,
): Answers<PutRequest, PutOutcome> => mapAnswers(puts, itself, answers, change)

/** The same outcome for every address. */
export const always = (addresses: readonly Address[], outcome: GetOutcome): Answers<Address, GetOutcome> =>
  byAddress(addresses, () => outcome)
