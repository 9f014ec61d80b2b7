import type { Picture } from '../picture.ts'
import { plural, stillNewWords } from '../words.ts'

/** Integrations that are named one by one. */
const NAMED = 10

/**
 * How far a change of the caps has come, as it comes: on how many replicas it runs, and what new still answers. What counts down
 * is no announcement: a screen reader would speak without an end. That it came to nothing is one.
 */
export function Reach({ picture, selector }: { picture: Picture; selector: string }) {
  const { caps } = picture
  const rows = [...picture.integrations.values()].filter((row) => selector === '*' || row.integration === selector)
  const still = rows.flatMap((row) => (row.still_new === null ? [] : [{ name: row.integration, still: row.still_new }]))
  const left = still.filter((row) => row.still.secrets > 0)
  return (
    <div class="reach">
      <div role="status">
        <p>{caps === null ? '' : `${caps.applied} of ${plural(caps.of, 'replica')} applied it.`}</p>
        {still.length > 0 && left.length === 0 ? <p>Nothing is answered by new any more.</p> : null}
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
