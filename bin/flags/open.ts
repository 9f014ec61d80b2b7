import type { Clock } from '../../core/clock.ts'
import type { AdminApi } from '../../flags/admin/api.ts'
import type { UnleashSourceConfig } from '../../flags/config.ts'
import type { FlagDesk } from '../../flags/desk.ts'
import { openAdminApi, openDesk } from '../../flags/open-desk.ts'
import type { Selectable } from '../../flags/selector.ts'
import type { CrossfadeConfig } from '../config/schema.ts'
import { serveFault } from '../serve/faults.ts'

/** Where a configuration's flags are written. Throws `flags-not-writable` where no token for a server is known. */
export const deskOf = (config: CrossfadeConfig, clock: Clock, tokenFile?: string): FlagDesk => {
  const desk = openDesk(config.flags, {
    clock,
    integrations: Object.keys(config.integrations).length,
    ...(tokenFile === undefined ? {} : { tokenFile }),
  })
  if (desk !== null) return desk
  throw serveFault('flags-not-writable', config.flags.source === 'unleash' ? config.flags.url : config.flags.path)
}

/** The admin side of a flag server, for looking. */
export const adminApiOf = (flags: UnleashSourceConfig, tokenFile?: string): AdminApi => {
  const api = openAdminApi(flags, tokenFile)
  if (api !== null) return api
  throw serveFault('flags-not-writable', flags.url)
}

/** What selectors look at. */
export const selectables = ({ integrations }: CrossfadeConfig): readonly Selectable[] =>
  Object.entries(integrations).map(([name, { owner }]) => ({ name, owner }))
