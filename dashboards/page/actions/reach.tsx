import { useRef } from 'preact/hooks'
import { PLANS } from '../../../flags/phase.ts'
import type { OpsEvent } from '../../../proxy/ops/work.ts'
import type { Picture } from '../picture.ts'
import { plural, stillNewWords } from '../words.ts'

/** Integrations that are named one by one. */
const NAMED = 10

interface ReachProps {
  readonly picture: Picture
  readonly selector: string
  /** On how many of the live replicas the change runs; null: not known yet. */
  readonly applied: OpsEvent['applied']
  /** That nothing is answered by new is said also where it was never known otherwise. */
  readonly evenIfNone?: boolean
}

/**
 * How far a change of caps or flags has come, as it comes: on how many replicas it runs, and what new still answers. What counts
 * down is no announcement: a screen reader would speak without an end. That it came to nothing is one. Drawn from when the
 * change was made; what was seen before that says nothing of it.
 */
export function Reach({ picture, selector, applied, evenIfNone = false }: ReachProps) {
  const seenBefore = useRef(picture.at)
  const hadSome = useRef(evenIfNone)
  const isSeen = picture.at !== seenBefore.current && !picture.unknown.includes('status')
  const rows = [...picture.integrations.values()].filter((row) => selector === '*' || row.integration === selector)
  const still = rows.flatMap((row) =>
    !isSeen || row.still_new === null ? [] : [{ name: row.integration, still: row.still_new }],
  )
  const left = still.filter((row) => row.still.secrets > 0)
  if (left.length > 0) hadSome.current = true
  const isPart = rows.some(({ cohorts }) => cohorts.some(({ effective }) => PLANS[effective].read === 'new'))
  return (
    <div class="reach">
      <div role="status">
        <p>
          {!isSeen || applied === null ? '' : `${applied.replicas} of ${plural(applied.of, 'replica')} applied it.`}
        </p>
        {hadSome.current && still.length > 0 && left.length === 0 ? (
          <p>Nothing is answered by new any more{isPart ? ' where legacy is read first' : ''}.</p>
        ) : null}
      </div>
      {left.length > 1 ? (
        <p>
          Together{' '}
          {plural(
            left.reduce((sum, row) => sum + row.still.secrets, 0),
            'secret',
          )}{' '}
          still answered by new.
        </p>
      ) : null}
      {left.slice(0, NAMED).map((row) => (
        <p key={row.name}>
          {row.name}: {stillNewWords(row.still)}.
        </p>
      ))}
      {left.length > NAMED ? <p>And {plural(left.length - NAMED, 'integration')} more: see the matrix.</p> : null}
    </div>
  )
}

/** Of the caps that hold now. */
export const capsApplied = ({ caps }: Picture): OpsEvent['applied'] =>
  caps === null ? null : { replicas: caps.applied, of: caps.of }

/** Of the newest change of a flag, or of what runs, that came after this event; null: none has been seen yet. */
export const flagApplied = ({ events }: Picture, selector: string, after: string): OpsEvent['applied'] =>
  events.find(
    ({ id, kind, integration }) =>
      integration === selector && (kind === 'flag' || kind === 'phase') && BigInt(id) > BigInt(after),
  )?.applied ?? null
