import { z } from 'zod'

/** What a worker process and the one that started it tell each other. */
export const fromWorker = z.object({
  crossfade: z.literal('serving'),
  clients: z.string(),
  /** Its own operators' port, on this machine only. */
  operators: z.string(),
})
export type FromWorker = z.output<typeof fromWorker>

export const toWorker = z.object({ crossfade: z.enum(['stop', 'reload']) })
export type ToWorker = z.output<typeof toWorker>

/** Set in the environment of a worker: its number, from 1. */
export const WORKER_NUMBER = 'CROSSFADE_WORKER_NUMBER'
