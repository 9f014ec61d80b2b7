import type { Clock } from '../core/clock.ts'
import { makeAdminDesk } from './admin/admin-desk.ts'
import { type AdminApi, makeAdminApi } from './admin/api.ts'
import type { FlagsConfig, UnleashSourceConfig } from './config.ts'
import type { FlagDesk } from './desk.ts'
import { makeFileDesk } from './file-desk.ts'
import { movesLimit } from './intake.ts'

export interface DeskParts {
  readonly clock: Clock
  /** How many integrations there are, of which `max_moves` is a share. */
  readonly integrations: number
  /** Of the operator, in the place of the configured one. */
  readonly tokenFile?: string
}

/** A server publishes changes once a second (measured on 7.5.1). */
const PUBLISHED = 1_000
const MARGIN = 500

/** Where the flags of the section `flags` are written; null: on a server, and no token is known. */
export const openDesk = (config: FlagsConfig, parts: DeskParts): FlagDesk | null => {
  if (config.source === 'file') return makeFileDesk(config.path)
  const { refresh, max_moves: maxMoves } = config
  const api = openAdminApi(config, parts.tokenFile)
  if (api === null) return null
  return makeAdminDesk({
    api,
    batch: halfOfMoves(maxMoves ?? null, parts.integrations),
    pause: (signal) => parts.clock.sleep(2 * refresh + PUBLISHED + MARGIN, signal),
  })
}

/** The admin side of the server; null: no token is known. */
export const openAdminApi = (config: UnleashSourceConfig, given?: string): AdminApi | null => {
  const { url, environment, admin } = config
  const tokenFile = given ?? admin?.token_file
  if (tokenFile === undefined) return null
  return makeAdminApi({ url: admin?.url ?? url, tokenFile, project: admin?.project ?? 'default', environment })
}

/** Two batches may fall between two answers to a replica that polls a little late. */
export const halfOfMoves = (maxMoves: number | null, integrations: number): number => {
  const limit = movesLimit(maxMoves, integrations)
  return limit >= integrations ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor(limit / 2))
}
