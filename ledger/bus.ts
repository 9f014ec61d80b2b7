import type { Address } from '../backends/secret.ts'
import type { Debt } from './ledger.ts'

/** What replicas tell each other. Messages may be lost, late, doubled or reordered: `seq` and acknowledgements make up for it. */
export type BusMessage =
  | { readonly kind: 'debts'; readonly from: string; readonly id: string; readonly debts: readonly Debt[] }
  | { readonly kind: 'acknowledged'; readonly from: string; readonly id: string }
  | { readonly kind: 'strike'; readonly from: string; readonly address: Address; readonly seq: number }
  /** Something durable changed (states, caps): read it again now rather than at the next refresh. */
  | {
      readonly kind: 'look'
      readonly from: string
      readonly what: 'integrations' | 'caps'
      /** Caps that hold from now on, plain JSON that their room validates: they count although the ledger is down. */
      readonly caps?: readonly unknown[]
      /** Who put it into effect acknowledges this id. */
      readonly id?: string
    }
  /** Which caps does the ledger not have yet? Everyone answers, also with none. */
  | { readonly kind: 'ask-caps'; readonly from: string; readonly id: string }
  | { readonly kind: 'unsaved-caps'; readonly from: string; readonly id: string; readonly caps: readonly unknown[] }
  /** What this replica saw since its last message, for the guard of the others: plain JSON that its room validates. */
  | { readonly kind: 'figures'; readonly from: string; readonly number: number; readonly shares: readonly unknown[] }

export interface Bus {
  /** At most once; never rejects. */
  publish(message: BusMessage): void
  /** The own messages too; called in order of arrival. */
  onMessage(handler: (message: BusMessage) => void): void
  /** Messages may have been missed, or can be heard again. */
  onHearing(handler: (hears: boolean) => void): void
  hears(): boolean
  close(): Promise<void>
}

/** One replica alone needs no bus: it hears itself. */
export const noBus: Bus = {
  publish: () => undefined,
  onMessage: () => undefined,
  onHearing: () => undefined,
  hears: () => true,
  close: async () => undefined,
}
