/*
 * Where the machine's Node is too old, bin/crossfade.js runs the program in a child. The two are one program for whoever
 * started them, so they end together: the child's end ends the front door, which waits for it, and the front door's end is
 * seen here as the end of the channel between them, whatever ended it.
 */

/** Set for the child by bin/crossfade.js. */
const CHANNEL = 'CROSSFADE_FRONT_DOOR'
/** ms to end in order after that: nobody is there any more who would wait for it. */
const PATIENCE_MS = 5000

/** Ends this process in order, as SIGTERM does, when the front door is gone; nothing where there is none. */
export function endWithFrontDoor(): void {
  if (process.env[CHANNEL] === undefined) return
  // Processes that this one starts have another parent.
  delete process.env[CHANNEL]
  process.once('disconnect', () => {
    setTimeout(() => process.exit(1), PATIENCE_MS).unref()
    process.kill(process.pid, 'SIGTERM')
  })
  // After the listener, which would keep the process for the channel's sake.
  process.channel?.unref()
}
