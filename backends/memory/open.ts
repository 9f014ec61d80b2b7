import type { StoreDeps } from '../deps.ts'
import type { Store } from '../store.ts'
import type { MemoryConfig } from './config.ts'
import { makeMemoryStore } from './memory.ts'

/** Builds the store of one section. */
export const openMemoryStore = (config: MemoryConfig, { name, clock }: StoreDeps): Store =>
  makeMemoryStore({ name, versions: config.versions, maxSize: config.max_size, clock })
