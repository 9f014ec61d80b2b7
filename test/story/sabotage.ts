import type { Address } from '../../backends/secret.ts'
import { makeRandom } from '../../bin/embedded/sample/random.ts'
import type { Legacy } from '../pairs/legacy.ts'

/** Changes the values of `count` of these behind Crossfade's back. */
export async function sabotage(
  legacy: Legacy,
  candidates: readonly Address[],
  count: number,
  seed: string,
): Promise<void> {
  const random = makeRandom(`sabotage ${seed}`)
  const left = [...candidates]
  if (left.length < count) throw new Error(`only ${left.length} secrets can be sabotaged`)
  for (let n = 0; n < count; n++) {
    const [victim] = left.splice(random.below(left.length), 1)
    await legacy.damage(victim as Address)
  }
}
