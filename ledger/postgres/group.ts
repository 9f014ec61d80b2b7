import type { Answers } from '../../backends/answers.ts'

/**
 * Group commit: what is asked in the same instant shares one round trip and one commit. A batch leaves at the end of
 * the event-loop turn, or when one of the batches on their way comes back; at most `parallel` are on their way.
 */
export interface Group<Q, A> {
  ask(question: Q): Promise<A>
}

interface Waiting<Q, A> {
  readonly question: Q
  readonly resolve: (answer: A) => void
  readonly reject: (error: unknown) => void
}

export interface GroupOptions<Q, A> {
  /** Each question's own answer, or a throw where it has none. */
  readonly send: (questions: readonly Q[]) => Promise<Answers<Q, A>>
  readonly parallel: number
  readonly max: number
}

/** One that got no answer fails alone. */
function open<Q, A>({ question, resolve, reject }: Waiting<Q, A>, answers: Answers<Q, A>): void {
  try {
    resolve(answers.of(question))
  } catch (error) {
    reject(error)
  }
}

export function makeGroup<Q, A>({ send, parallel, max }: GroupOptions<Q, A>): Group<Q, A> {
  let waiting: Waiting<Q, A>[] = []
  let sending = 0
  let scheduled = false

  const flush = (): void => {
    scheduled = false
    while (waiting.length > 0 && sending < parallel) {
      const batch = waiting.slice(0, max)
      waiting = waiting.slice(max)
      sending += 1
      void deliver(batch).finally(() => {
        sending -= 1
        flush()
      })
    }
  }

  const deliver = async (batch: readonly Waiting<Q, A>[]): Promise<void> => {
    try {
      const answers = await send(batch.map((w) => w.question))
      for (const w of batch) open(w, answers)
    } catch (error) {
      for (const w of batch) w.reject(error)
    }
  }

  return {
    ask: (question) =>
      new Promise<A>((resolve, reject) => {
        waiting.push({ question, resolve, reject })
        if (scheduled) return
        scheduled = true
        setImmediate(flush)
      }),
  }
}
