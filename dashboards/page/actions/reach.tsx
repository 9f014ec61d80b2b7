import type { Picture } from '../picture.ts'
import { plural, stillNewWords } from '../words.ts'

/** How far a change of the caps has come, as it comes: on how many replicas it runs, and what new still answers. */
export function Reach({ picture, selector }: { picture: Picture; selector: string }) {
  const { caps } = picture
  const rows = [...picture.integrations.values()].filter((row) => selector === '*' || row.integration === selector)
  const still = rows.flatMap((row) => (row.still_new === null ? [] : [{ name: row.integration, still: row.still_new }]))
  const left = still.filter((row) => row.still.secrets > 0)
  return (
    <div role="status" class="reach">
      <p>{caps === null ? '' : `${caps.applied} of ${plural(caps.of, 'replica')} applied it.`}</p>
      {still.length > 0 && left.length === 0 ? <p>Nothing is answered by new any more.</p> : null}
      {left.map((row) => (
        <p key={row.name}>
          {row.name}: {stillNewWords(row.still)}.
        </p>
      ))}
    </div>
  )
}
