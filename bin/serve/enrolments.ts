import { shortDigest } from '../../backends/place.ts'
import { placeOf } from '../../backends/registry.ts'
import type { Enrolment, SideIdentity } from '../../ledger/enrolment.ts'
import type { CrossfadeConfig } from '../config/schema.ts'

/** What this configuration would enrol an integration with. `idOf`: what a store says that it is, as far as that is known. */
export function enrolmentOf(
  config: Pick<CrossfadeConfig, 'stores' | 'integrations'>,
  integration: string,
  idOf: (store: string) => string | null,
): Enrolment {
  const section = config.integrations[integration] as CrossfadeConfig['integrations'][string]
  const side = (store: string): SideIdentity => {
    const own = config.stores[store] as CrossfadeConfig['stores'][string]
    const { where, shown, mapping } = placeOf(own)
    const digests = Object.entries(mapping).map(([key, value]) => [key, shortDigest(value)])
    const place = shortDigest(where)
    return { store, kind: own.kind, place, shown, mapping: Object.fromEntries(digests), id: idOf(store) }
  }
  return { legacy: side(section.legacy), new: side(section.new), value: section.value }
}
