import type { Address } from '../../backends/secret.ts'
import { proxyFault } from '../faults.ts'
import type { Precondition, Secrets, WriteResult } from '../operations.ts'
import type { Content } from './attempt.ts'
import { writeBare } from './bare.ts'
import { type CoreDeps, isBare, viewOf } from './context.ts'
import type { Lazy } from './lazy.ts'
import { list, type Names } from './list.ts'
import { writeEnrolled } from './precondition.ts'
import { read } from './read.ts'

/** The four operations that every front calls. */
export function makeSecrets(deps: CoreDeps, lazy: Lazy, names: Names): Secrets {
  const write = async (address: Address, content: Content, precondition: Precondition): Promise<WriteResult> => {
    // The state is looked at and the write is tracked in one turn of the event loop: enrol relies on it.
    for (;;) {
      const view = viewOf(deps, address.integration, address.customer)
      if (isBare(view.state)) return writeBare(deps, view, address, content, precondition)
      // Known before anything is begun, so that a value which one side cannot hold changes nothing.
      const misfit = content === null ? null : view.pair.unrepresentable(address, content)
      if (misfit !== null)
        throw proxyFault(misfit.reason === 'too-large' ? 'value-too-large' : 'unrepresentable', misfit.detail)
      const result = await writeEnrolled(deps, lazy, view, address, content, precondition)
      if (result !== null) return result
    }
  }
  return {
    read: (address, signal) => read(deps, address, signal),
    write: (address, secret, precondition) => write(address, secret, precondition),
    remove: (address, precondition) => write(address, null, precondition),
    list: (integration, customer, page, signal) => list(deps, names, { integration, customer }, page, signal),
  }
}
