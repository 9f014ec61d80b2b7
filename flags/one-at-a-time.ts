/**
 * Runs `step` one call at a time. A call while one runs makes it run once more after, however many calls there were; each
 * caller's promise resolves when a run that began after its call has ended.
 */
export const oneAtATime = (step: () => Promise<void>): (() => Promise<void>) => {
  let running: Promise<void> | null = null
  let again = false
  const untilQuiet = async (): Promise<void> => {
    try {
      while (again) {
        again = false
        await step()
      }
    } finally {
      // In the same turn as the last look at `again`: a call after it starts anew, and none is lost.
      running = null
    }
  }
  return () => {
    again = true
    running ??= untilQuiet()
    return running
  }
}
