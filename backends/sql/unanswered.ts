import type { StoreProblem } from '../store.ts'

/** The check could not be run. A password may have been changed a moment ago, so that also a refusal may pass. */
export const unanswered = (reason: string): StoreProblem => ({
  level: 'error',
  message:
    reason === 'denied'
      ? 'denied: the database refuses this user, its password, or the use of the schema'
      : `the store did not answer: ${reason}`,
  passing: true,
})
