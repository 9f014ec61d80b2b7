import type { Fault } from '../../core/fault.ts'
import type { Io } from './io.ts'
import { makePaint, type Paint } from './paint.ts'
import { guarded, printableJson } from './printable.ts'

/** How a verb speaks: data on standard output, messages on standard error, and with `--json` one object as the last line. */
export interface Report {
  readonly json: boolean
  readonly paint: Paint
  /** Data for people or pipes; left out with `--json`. */
  data(text: string | Uint8Array): void
  /** The answer for programs; left out without `--json`. */
  object(value: object): void
  note(text: string): void
  fault(fault: Fault): void
}

export const makeReport = (io: Io, json: boolean): Report => {
  const paint = makePaint(io.stdout, io.env)
  const shout = makePaint(io.stderr, io.env)
  const object = (value: object): void => {
    if (json) io.stdout.write(`${printableJson(value)}\n`)
  }
  return {
    json,
    paint,
    data: (text) => {
      if (!json) io.stdout.write(typeof text === 'string' ? guarded(text) : text)
    },
    object,
    note: (text) => io.stderr.write(`${guarded(text)}\n`),
    fault: ({ code, title, detail, next }) => {
      io.stderr.write(guarded(`${shout('red', 'error')}: ${title} (${code})\n${indent(detail)}  ${next}\n`))
      object({ error: { code, title, detail, next } })
    },
  }
}

const indent = (detail: string): string => (detail === '' ? '' : `${detail.replace(/^/gm, '  ')}\n`)
