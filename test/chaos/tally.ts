/** Counters of one process by its metrics page, summed over its lives: a process that was killed starts at zero again. */
export interface Tally {
  /** Reads the page; a process that does not answer keeps what was read last. Never rejects. */
  look(): Promise<void>
  /** The process has ended: what was read last is of a life that is over. */
  seal(): void
  /** The sum over all labels. */
  total(counter: string): number
}

const LOOK_MS = 500

export function makeTally(url: string): Tally {
  let sealed = new Map<string, number>()
  let current = new Map<string, number>()
  let life = 0
  return {
    look: async () => {
      const mine = life
      // The page may break off in its middle, too: it is sent in slices.
      const text = await fetch(url, { signal: AbortSignal.timeout(LOOK_MS) })
        .then((response) => response.text())
        .catch(() => null)
      if (text !== null && mine === life) current = sumByName(text)
    },
    seal: () => {
      life += 1
      sealed = new Map([...sealed.keys(), ...current.keys()].map((name) => [name, both(sealed, current, name)]))
      current = new Map()
    },
    total: (counter) => both(sealed, current, counter),
  }
}

const both = (a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>, name: string): number =>
  (a.get(name) ?? 0) + (b.get(name) ?? 0)

/** Of the text format of Prometheus: `name{labels} value`. */
function sumByName(text: string): Map<string, number> {
  const sums = new Map<string, number>()
  for (const [, name = '', value] of text.matchAll(/^([a-z_]+_total)(?:\{[^\n]*\})? ([0-9.e+]+)$/gm)) {
    sums.set(name, (sums.get(name) ?? 0) + Number(value))
  }
  return sums
}
