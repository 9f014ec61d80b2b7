import { PHASES, type Phase } from '../../flags/phase.ts'

/** One chapter: what is done at its beginning, while the traffic goes on, and the phase that runs from then on. */
export interface Stage {
  readonly name: string
  readonly phase: Phase
  readonly opens: 'nothing' | 'migrate' | 'flip'
}

const forward = PHASES.filter((phase) => phase !== 'off')

/** There and back: every phase in its order, then to `off` in one flip. */
export const STAGES: readonly Stage[] = [
  { name: 'not enrolled', phase: 'off', opens: 'nothing' },
  { name: 'migrate', phase: 'off', opens: 'migrate' },
  ...forward.map((phase): Stage => ({ name: phase, phase, opens: 'flip' })),
  { name: 'back', phase: 'off', opens: 'flip' },
]
