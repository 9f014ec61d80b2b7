import { existsSync } from 'node:fs'
import { writeFlagFile } from '../../../flags/flag-file.ts'
import { SAMPLE_ENVIRONMENT } from './config.ts'

/** Writes the flags file of the embedded system, every integration `off`; one that is there is the operator's and stays. */
export const sampleFlags = async (path: string, integrations: readonly { readonly name: string }[]): Promise<void> => {
  if (existsSync(path)) return
  const names = integrations.map(({ name }) => name)
  await writeFlagFile(path, { integrations: names, environment: SAMPLE_ENVIRONMENT, phase: 'off' })
}
