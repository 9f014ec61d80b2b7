import type { Clock } from '../core/clock.ts'
import type { FlagsConfig } from './config.ts'
import { makeFileSource } from './file-source.ts'
import type { FlagSource } from './source.ts'
import { makeUnleashSource } from './unleash-source.ts'

/** The source that the section `flags` names. */
export const makeFlagSource = async (
  config: FlagsConfig,
  parts: { readonly clock: Clock; readonly instance: string },
): Promise<FlagSource> => {
  const { clock, instance } = parts
  if (config.source === 'file') {
    const { path, poll, environment = null } = config
    return makeFileSource({ path, poll, environment, clock })
  }
  const { url, token_file: tokenFile, environment, refresh, stale_after: staleAfter } = config
  return makeUnleashSource({ url, tokenFile, environment, refresh, staleAfter, instance, clock })
}
