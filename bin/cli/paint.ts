import { styleText } from 'node:util'
import type { Io, Output } from './io.ts'

export type Style = Parameters<typeof styleText>[0]
export type Paint = (style: Style, text: string) => string

/** Colour only where a person looks at a terminal, and did not say no (https://no-color.org: a non-empty NO_COLOR). */
export const makePaint = (stream: Output, env: Io['env']): Paint =>
  stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb'
    ? (style, text) => styleText(style, text, { validateStream: false })
    : (_style, text) => text
