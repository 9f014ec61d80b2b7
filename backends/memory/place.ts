import type { Place } from '../place.ts'
import type { MemoryConfig } from './config.ts'

export const memoryPlace = ({ versions }: MemoryConfig): Place => ({
  where: {},
  shown: 'memory of a process',
  mapping: { versions },
})
