import type { MismatchClass } from '../../ledger/compare.ts'
import { QUARANTINE_REASONS } from '../../ledger/ledger.ts'
import {
  acceptQuarantine,
  countQuarantine,
  countRetry,
  listQuarantine,
  retryQuarantine,
} from '../../ledger/postgres/quarantine.ts'
import { acceptUnaddressed } from '../../ledger/postgres/unaddressed.ts'
import { addressCursor, parseAddressCursor } from '../../proxy/ops/cursors.ts'
import type { MismatchesPort } from '../../proxy/ops/ports.ts'
import type { Engine } from '../serve/engine.ts'
import { assertIntegration, select } from './select.ts'

/** The key of the next page: of the last entry, if the page is full. */
export const nextOf = <T>(entries: readonly T[], limit: number, keyOf: (entry: T) => string): string | null => {
  const last = entries.at(-1)
  return entries.length < limit || last === undefined ? null : keyOf(last)
}

export function makeMismatchesPort({
  config,
  mismatches,
  parts,
  journal,
  settler,
  migratorDeps,
}: Engine): MismatchesPort {
  return {
    mismatches: async ({ selector, show, limit, after }) => {
      const found = await mismatches.list(select(config, selector), show === 'open', limit, after)
      return {
        mismatches: found.map((m) => ({
          id: m.id,
          integration: m.integration,
          customer: m.customer,
          name: m.name,
          class: m.class as MismatchClass,
          legacy_fingerprint: m.legacyFingerprint,
          new_fingerprint: m.newFingerprint,
          legacy_version: m.legacyVersion,
          new_version: m.newVersion,
          at: m.at,
          resolved_at: m.resolvedAt,
        })),
        next: nextOf(found, limit, ({ id }) => id),
      }
    },
    quarantine: async ({ selector, limit, after }) => {
      const from = after === undefined ? null : parseAddressCursor(after)
      const found = await listQuarantine(parts.database, select(config, selector), from, limit)
      return { entries: [...found], next: nextOf(found, limit, addressCursor) }
    },
    accept: async ({ integration, execute, reason }, by) => {
      assertIntegration(config, integration)
      const { total: unaddressable } = await migratorDeps.unaddressed(integration)
      if (!execute) return { executed: false, unaddressable, ...(await countQuarantine(parts.database, integration)) }
      await acceptUnaddressed(parts.database, integration, unaddressable)
      const accepted = { ...(await acceptQuarantine(parts.database, integration)), unaddressable }
      await journal.append({ kind: 'quarantine-accepted', integration, actor: by, detail: { reason, ...accepted } })
      settler.nudge()
      return { executed: true, ...accepted }
    },
    retry: async ({ selector, only = QUARANTINE_REASONS, execute, reason }, by) => {
      const integrations = []
      for (const integration of select(config, selector)) {
        const found = await countRetry(parts.database, integration, only)
        const retried = execute && Object.keys(found.retried).length > 0
        if (retried) {
          await journal.append({ kind: 'quarantine-retried', integration, actor: by, detail: { reason, ...found } })
          await retryQuarantine(parts.database, integration, only)
        }
        if (retried || found.kept > 0 || Object.keys(found.retried).length > 0)
          integrations.push({ integration, ...found })
      }
      settler.nudge()
      return { executed: execute, integrations }
    },
  }
}
