import { z } from 'zod'
import { SIDES } from '../../core/side.ts'
import type { BusMessage } from '../bus.ts'

/*
 * Messages are JSON, one a publication. Whatever is not exactly one of them is dropped by the receiver: an older or a
 * newer Crossfade on the same channel, or somebody else. Fields that are not known are ignored, so that a newer replica
 * may say more.
 */
const id = z.string().min(1).max(200)
const seq = z.int().min(0)
const address = z.object({ integration: z.string(), customer: z.string(), name: z.string() })
const debt = z.object({ address, fresh: z.enum(SIDES), seq })

const busMessage = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('debts'), from: id, id, debts: z.array(debt) }),
  z.object({ kind: z.literal('acknowledged'), from: id, id }),
  z.object({ kind: z.literal('strike'), from: id, address, seq }),
  z.object({
    kind: z.literal('look'),
    from: id,
    what: z.enum(['integrations', 'caps']),
    caps: z.array(z.unknown()).exactOptional(),
    id: id.exactOptional(),
  }),
  z.object({ kind: z.literal('ask-caps'), from: id, id }),
  z.object({ kind: z.literal('unsaved-caps'), from: id, id, caps: z.array(z.unknown()) }),
  z.object({ kind: z.literal('figures'), from: id, number: seq, shares: z.array(z.unknown()) }),
])

export const encodeMessage = (message: BusMessage): string => JSON.stringify(message)

/** Null for what is no message of ours. */
export function decodeMessage(text: string): BusMessage | null {
  try {
    const parsed = busMessage.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}
