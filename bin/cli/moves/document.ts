import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Document } from 'yaml'
import { z } from 'zod'
import { type Problem, readDocument } from '../../config/document.ts'
import { describeProblems } from '../../config/load.ts'
import { problemsOfIssues } from '../../config/problems.ts'
import type { JsonSchema } from '../../config/schema.ts'
import { cliFault } from '../faults.ts'
import { type Move, whyHere } from './order.ts'

/*
 * The order of the work, as a file that people edit: lines may be moved, left out, or put together under a greater `parallel`.
 */
const moveSchema = z.strictObject({
  integration: z.string().min(1).describe('By name; globs would hide the order.'),
})

export const movesSchema = z.strictObject({
  version: z.literal(1).describe('Of this format.'),
  parallel: z.int().min(1).max(16).default(1).describe('So many integrations at a time.'),
  keep_going: z.boolean().default(false).describe('Go on with the others where one does not end well.'),
  moves: z
    .array(moveSchema)
    .min(1)
    .superRefine((moves, context) => {
      for (const [i, { integration }] of moves.entries()) {
        if (moves.findIndex((move) => move.integration === integration) === i) continue
        context.addIssue({ code: 'custom', path: [i, 'integration'], message: `${integration} stands above already` })
      }
    })
    .describe('From the first to the last.'),
})

export type Moves = z.output<typeof movesSchema>

/** Reads a file of moves. Throws `moves-invalid` with every line that is wrong, or names an integration that is not `known`. */
export async function readMoves(
  path: string,
  env: NodeJS.ProcessEnv,
  known: ReadonlySet<string> | null,
): Promise<Moves> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw cliFault('file-unusable', `${path}: ${cause.code}`)
  })
  const document = readDocument(text, resolve(path), env)
  if (document.problems.length > 0) throw invalid(path, document.problems)
  const parsed = movesSchema.safeParse(document.input)
  const jsonSchema = z.toJSONSchema(movesSchema, { io: 'input', target: 'draft-7' }) as JsonSchema
  if (!parsed.success) throw invalid(path, problemsOfIssues(parsed.error.issues, document, jsonSchema))
  const strangers = parsed.data.moves.flatMap(({ integration }, i) =>
    known === null || known.has(integration)
      ? []
      : [document.problemAt(['moves', i, 'integration'], 'the server knows no such integration')],
  )
  if (strangers.length > 0) throw invalid(path, strangers)
  return parsed.data
}

const invalid = (path: string, problems: readonly Problem[]) =>
  cliFault('moves-invalid', `${problems.length} in ${path}\n${describeProblems(path, problems)}`)

const HEAD = ` The order in which integrations are moved: few secrets and little traffic first. Edit it freely, then
   crossfade migrate --from FILE                               what each of them would do
   crossfade migrate --from FILE --execute --reason "..."      do it; run again, it goes on where it was
 Moving copies and verifies, and no client notices. Phases follow by cohort, the smallest first:`

/** As YAML, with why each stands where it does beside it. */
export function writeMoves(moves: readonly Move[]): string {
  const cohorts = moves[0]?.cohorts ?? []
  const document = new Document({ version: 1, parallel: 1, moves: moves.map(({ integration }) => ({ integration })) })
  document.commentBefore = [
    HEAD,
    ...cohorts.map((c) => `   crossfade flags set INTEGRATION --cohort ${c} dualwrite`),
  ].join('\n')
  for (const [i, move] of moves.entries()) {
    const node = document.getIn(['moves', i, 'integration'], true) as { comment?: string }
    node.comment = ` ${whyHere(move)}`
  }
  return document.toString({ lineWidth: 0 })
}
