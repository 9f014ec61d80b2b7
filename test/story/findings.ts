import { type Address, addressKey } from '../../backends/secret.ts'
import type { Verdict } from './expectations.ts'

/** Who showed the secret: a client's read on the way, or one of the last checks. */
export type Where = 'traffic' | 'proxy' | 'legacy' | 'listing'

/** A secret that was not what it must be. Never its value. */
export interface Finding extends Address {
  readonly found: Exclude<Verdict, 'right'>
  readonly where: readonly Where[]
}

export interface Findings {
  readonly add: (address: Address, verdict: Verdict, where: Where) => void
  /** Each secret once, whoever showed it. */
  readonly list: () => readonly Finding[]
}

export function makeFindings(): Findings {
  const findings = new Map<string, Finding>()
  return {
    add: (address, verdict, where) => {
      if (verdict === 'right') return
      const { integration, customer, name } = address
      const before = findings.get(addressKey(address))
      const places = new Set([...(before?.where ?? []), where])
      // A deleted secret that came back is the worst of them, and stays what the secret is counted as.
      const found = before?.found === 'resurrected' ? 'resurrected' : verdict
      findings.set(addressKey(address), { integration, customer, name, found, where: [...places] })
    },
    list: () => [...findings.values()],
  }
}
