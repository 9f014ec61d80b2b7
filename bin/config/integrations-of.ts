import type { CrossfadeConfig } from './schema.ts'

/** Integrations that a store is a side of. */
export const integrationsOf = ({ integrations }: CrossfadeConfig, store: string): readonly string[] =>
  Object.entries(integrations).flatMap(([name, { legacy, new: fresh }]) =>
    legacy === store || fresh === store ? [name] : [],
  )
