import type { LiveIntegration } from '../../proxy/ops/live-messages.ts'
import type { StillNew } from '../../proxy/ops/status.ts'

export const plural = (n: number, one: string, many = `${one}s`): string => `${figure(n)} ${n === 1 ? one : many}`

export const figure = (n: number): string => n.toLocaleString('en')

export const milliseconds = (seconds: number | null): string => {
  if (seconds === null) return '-'
  const ms = seconds * 1000
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
}

export const perSecond = (n: number): string => `${n < 10 ? n.toFixed(1) : Math.round(n)}/s`

/** Local time, with the date only where it is another day. */
export const timeOf = (at: string, now = new Date()): string => {
  const date = new Date(at)
  const time = date.toLocaleTimeString('en-GB')
  return date.toDateString() === now.toDateString() ? time : `${date.toISOString().slice(0, 10)} ${time}`
}

/** What is worth a word of an integration: that nothing is left is one only under a rollback or the guard. */
export const stillNewOf = ({ still_new, caps }: LiveIntegration): StillNew | null =>
  still_new?.secrets === 0 && !caps.some(({ source }) => source !== 'gate') ? null : still_new

/** What is still answered by new after the way back, and until when. */
export function stillNewWords(still: StillNew): string {
  if (still.secrets === 0) return 'nothing is answered by new any more'
  const who = `${plural(still.secrets, 'secret')} still answered by new`
  switch (still.until) {
    case 'estimated':
      return `${who}, for about ${Math.max(1, Math.round(still.seconds ?? 0))} s`
    case 'store-away':
      return `${who} until ${still.stores.join(', ')} answers`
    case 'quarantine':
      return `${who}: in quarantine, an operator must decide`
    default:
      return who
  }
}

/** A word of a shell command. */
export const quoted = (text: string): string =>
  /^[\w./:=-]+$/.test(text) ? text : `"${text.replace(/[\\"$`]/g, '\\$&')}"`
