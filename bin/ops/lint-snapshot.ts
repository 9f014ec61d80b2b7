import { type DocumentFinding, lintDocument } from '../../flags/lint-document.ts'
import type { FlagSnapshot } from '../../flags/snapshot.ts'
import type { CrossfadeConfig } from '../config/schema.ts'

/** What lint finds in a source's last answer, with the configuration's integrations, cohorts and environment. */
export const lintSnapshot = (
  { features, segments, environment }: FlagSnapshot,
  config: CrossfadeConfig,
  cohorts: readonly string[],
): readonly DocumentFinding[] => {
  const query = environment === null ? {} : { environment }
  const document = { features: [...features.values()], segments: [...segments.values()], query }
  const integrations = Object.keys(config.integrations)
  return lintDocument(document, { cohorts, integrations, environment: config.flags.environment ?? null }) ?? []
}
