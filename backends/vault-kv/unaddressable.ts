/**
 * Secrets that lie where no address leads: above the folder in which the names of a customer begin, at a path that is the
 * beginning of others (`aws`, `aws/acme` beside the folder `aws/acme/`). No scan sees them, so they are counted here, by
 * walking the folders of the template. What lies under other names than the template's is somebody else's.
 */
import type PQueue from 'p-queue'
import { failedAs } from '../failure.ts'
import type { Call, UnaddressableOutcome } from '../store.ts'
import type { Engine, Path } from './engine.ts'
import { type Folders, ListingFailed } from './folders.ts'
import { CUSTOMERS, type PathTemplate, type Step } from './path-template.ts'

export interface UnaddressableParts {
  readonly template: PathTemplate
  readonly folders: Folders
  readonly engine: Engine
  readonly queue: PQueue
}

const WHY = {
  above: 'lie above the folders of customers, where no address leads',
  beside: 'lie beside the folders of customers, where no address leads',
} as const
type Where = keyof typeof WHY

export async function unaddressable(
  parts: UnaddressableParts,
  integration: string,
  call: Call,
): Promise<UnaddressableOutcome> {
  const counts: Record<Where, number> = { above: 0, beside: 0 }
  const look: Seen = async (where, path) => {
    if (await isThere(parts, where, path, call)) counts[where] += 1
  }
  try {
    await walk(parts, [], parts.template.steps(integration), look, call)
  } catch (error) {
    if (error instanceof ListingFailed) return failedAs(error.failure)
    throw error
  }
  const found = (Object.keys(WHY) as Where[]).filter((where) => counts[where] > 0)
  return { kind: 'counted', counts: found.map((where) => ({ why: WHY[where], count: counts[where] })) }
}

type Seen = (where: Where, path: Path) => Promise<void>

async function walk(
  parts: UnaddressableParts,
  folder: Path,
  steps: readonly Step[],
  look: Seen,
  call: Call,
): Promise<void> {
  const [step, ...rest] = steps
  if (step === undefined) return
  if (step !== CUSTOMERS) {
    await look('above', [...folder, step])
    return walk(parts, [...folder, step], rest, look, call)
  }
  for await (const keys of parts.folders.pages(folder, call)) {
    const leaves = keys.filter((key) => !key.endsWith('/'))
    await Promise.all(leaves.map((leaf) => look('beside', [...folder, leaf])))
    if (rest.length === 0) continue
    for (const key of keys) if (key.endsWith('/')) await walk(parts, [...folder, key.slice(0, -1)], rest, look, call)
  }
}

/** What may not be looked at is nobody's that asks here; but what a listing named is there. */
async function isThere({ engine, queue }: UnaddressableParts, where: Where, path: Path, call: Call): Promise<boolean> {
  const found = await queue.add(() => (where === 'above' ? engine.find(path, call) : engine.look(path, call)))
  if (found.kind !== 'failed') return found.kind === 'there'
  const { reason } = found.failure
  if (reason !== 'denied' && reason !== 'unrepresentable') throw new ListingFailed(found.failure)
  return where === 'beside'
}
