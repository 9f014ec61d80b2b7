import type { Bus, BusMessage } from '../../ledger/bus.ts'
import type { World } from './world.ts'

interface Line {
  readonly owner: string
  readonly handlers: ((message: BusMessage) => void)[]
  readonly hearing: ((hears: boolean) => void)[]
  hears: boolean
}

export interface SimBus {
  connect(owner: string): Bus
  /** The process hears nothing any more, and knows it; or it hears again. */
  setHearing(owner: string, hears: boolean): void
}

/** Every message to every process is a step of its own: lost, late or overtaken as the run decides. */
export function makeSimBus(world: World): SimBus {
  const lines = new Map<string, Line>()
  const deliver = (line: Line, message: BusMessage): void => {
    const label = `${line.owner} gets ${describe(message)}`
    const lost = world.draw(16) === 15
    if (lost) world.tell(`lost: ${label}`)
    if (lost) return
    world.later(label, () => {
      if (line.hears) for (const handler of line.handlers) handler(message)
    })
  }
  return {
    connect: (owner) => {
      const line: Line = { owner, handlers: [], hearing: [], hears: true }
      lines.set(owner, line)
      return {
        publish: (message) => {
          for (const other of lines.values()) if (other !== line) deliver(other, message)
        },
        onMessage: (handler) => line.handlers.push(handler),
        onHearing: (handler) => line.hearing.push(handler),
        hears: () => line.hears,
        close: async () => void lines.delete(owner),
      }
    },
    setHearing: (owner, hears) => {
      const line = lines.get(owner)
      if (line === undefined || line.hears === hears) return
      line.hears = hears
      for (const handler of line.hearing) handler(hears)
    },
  }
}

const describe = (message: BusMessage): string => {
  switch (message.kind) {
    case 'debts':
      return `"${message.debts.map((d) => `${d.address.name} is fresh on ${d.fresh} (${d.seq})`).join(', ')}" of ${message.from}`
    case 'acknowledged':
      return `the acknowledgement of ${message.from}`
    case 'strike':
      return `"${message.address.name} owes nothing (${message.seq})" of ${message.from}`
    case 'look':
      return `"look at the ${message.what}" of ${message.from}`
    case 'ask-caps':
    case 'unsaved-caps':
    case 'figures':
      return `${message.kind} of ${message.from}`
  }
}
