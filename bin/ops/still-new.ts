import type { StillNew } from '../../proxy/ops/status.ts'
import type { Still } from '../serve/still-new.ts'

export const showStill = (still: Still | null): StillNew | null => {
  if (still === null) return null
  const { secrets, quarantined, zero } = still
  return {
    secrets,
    quarantined,
    until: zero.kind,
    seconds: zero.kind === 'estimated' ? Math.ceil(zero.inMs / 100) / 10 : zero.kind === 'now' ? 0 : null,
    stores: zero.kind === 'store-away' ? [...zero.stores] : [],
  }
}
