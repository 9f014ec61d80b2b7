import type { StoredPace } from '../../ledger/postgres/paces.ts'
import type { MigratorSection } from '../config.ts'
import type { PaceLimits } from './pace.ts'

/** The pace that an integration is asked for: of all processes together, but for the passes at once. */
export interface PaceSettings extends PaceLimits {
  /** Slows down for clients and stores. */
  readonly adaptive: boolean
}

/** What operators set counts before the configuration. */
export function settingsOf(section: MigratorSection, set: StoredPace | undefined): PaceSettings {
  const rate = set?.rate ?? section.pace.rate
  return {
    rate: rate === 'none' ? null : rate,
    concurrency: set?.concurrency ?? section.concurrency,
    adaptive: set?.adaptive ?? section.pace.adaptive,
  }
}
