import type { Clock } from '../../core/clock.ts'

/*
 * Time and order of a simulated run. Everything that could interleave in the real system (a statement, a request to a
 * store, a message, a timer) is a task here; one task runs at a time, and a list of numbers that fast-check makes and
 * shrinks decides which one, whether it fails, and when time passes. An exhausted list chooses 0 for ever: the oldest
 * task, no fault, so every run ends.
 */

interface Task {
  readonly id: number
  readonly label: string
  /** Whose it is; a crash drops all tasks of a process. Null: the network's or a store's, which survive. */
  readonly owner: string | null
  /** Not before this instant, in ms. */
  readonly due: number
  readonly run: () => void
}

export interface World {
  readonly now: () => number
  /** Runs `act` as one atomic step, some time later; never, if its owner crashes first. */
  step<T>(owner: string | null, label: string, act: () => T, delay?: number): Promise<T>
  /** A step of nobody: a request that is on its way, a message. */
  later(label: string, act: () => void, delay?: number): void
  /** Draws a number below `below`; 0 is the uneventful choice. */
  draw(below: number): number
  /** While it is calm nothing is drawn: no fault, no haste, oldest first. */
  setCalm(calm: boolean): void
  /** Nothing of this process runs any more, whatever reaches it. */
  crash(owner: string): void
  clock(owner: string): Clock
  /** What happened, for people. */
  readonly story: readonly string[]
  tell(line: string): void
  /** Runs until no task is left; `afterEach` checks the state after every step. Throws what it throws. */
  run(afterEach: () => void): Promise<number>
}

/** One drawn number in this many lets time jump to the next timer although other tasks could run. */
const JUMP_ONE_IN = 12
const MAX_STEPS = 20_000

/** Lets every continuation of the step that just ran go on until all of them wait for another step. */
const settleDown = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

export function makeWorld(choices: readonly number[]): World {
  const story: string[] = []
  let tasks: Task[] = []
  let nextId = 0
  let time = 0
  let drawn = 0
  const dead = new Set<string>()

  let calm = false
  const draw = (below: number): number => {
    if (calm) return 0
    const choice = choices[drawn]
    if (choice === undefined) return 0
    drawn += 1
    return choice % below
  }

  const add = (owner: string | null, label: string, due: number, run: () => void): void => {
    if (owner !== null && dead.has(owner)) return
    tasks.push({ id: nextId, label, owner, due, run })
    nextId += 1
  }

  const step = <T>(owner: string | null, label: string, act: () => T, delay = 0): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      add(owner, label, time + delay, () => {
        try {
          resolve(act())
        } catch (error) {
          reject(error)
        }
      })
    })

  /** Timers that are not due wait, unless nothing else is left or time is told to jump. */
  const next = (): Task => {
    const ready = tasks.filter((task) => task.due <= time)
    const waiting = tasks.filter((task) => task.due > time)
    const jump = waiting.length > 0 && (ready.length === 0 || draw(JUMP_ONE_IN) === JUMP_ONE_IN - 1)
    if (jump) {
      time = Math.min(...waiting.map((task) => task.due))
      story.push(`time passes: ${time} ms`)
      return next()
    }
    return ready[ready.length === 1 ? 0 : draw(ready.length)] as Task
  }

  const clock = (owner: string): Clock => ({
    monotonic: () => time,
    wall: () => time,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const id = nextId
        add(owner, '', time + Math.max(0, ms), resolve)
        signal?.addEventListener('abort', () => {
          tasks = tasks.filter((task) => task.id !== id)
          reject(signal.reason)
        })
      }),
  })

  return {
    now: () => time,
    step,
    later: (label, act, delay = 0) => add(null, label, time + delay, act),
    draw,
    setCalm: (now) => {
      calm = now
    },
    crash: (owner) => {
      dead.add(owner)
      tasks = tasks.filter((task) => task.owner !== owner)
    },
    clock,
    story,
    tell: (line) => {
      story.push(line)
    },
    run: async (afterEach) => {
      await settleDown()
      for (let steps = 0; ; steps += 1) {
        if (tasks.length === 0) return steps
        if (steps === MAX_STEPS) throw new Error(`no end after ${MAX_STEPS} steps`)
        const task = next()
        tasks = tasks.filter((other) => other !== task)
        if (task.label !== '') story.push(task.owner === null ? task.label : `${task.owner}: ${task.label}`)
        task.run()
        await settleDown()
        afterEach()
      }
    },
  }
}
