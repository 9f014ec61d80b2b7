import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import { loneSamples, timeRange } from './chart-range.ts'

export interface Line {
  readonly label: string
  /** A CSS variable of page.css. */
  readonly colour: string
  /** Lines differ by more than their colour. */
  readonly dash: readonly number[]
}

interface ChartProps {
  readonly title: string
  /** In a sentence, for who does not see it. */
  readonly summary: string
  /** Instants in ISO 8601. */
  readonly at: readonly string[]
  readonly lines: readonly Line[]
  /** A row for each line, as long as `at`. */
  readonly values: readonly (readonly (number | null)[])[]
  readonly format: (value: number) => string
}

const HEIGHT = 200

/** Lines over time on a canvas. The figures stand in a table beside it: a canvas is a picture to most who cannot see it. */
export function Chart({ title, summary, at, lines, values, format }: ChartProps) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const scheme = useColourScheme()
  const isEmpty = at.length === 0
  const data = [at.map((instant) => Date.parse(instant) / 1000), ...values] as uPlot.AlignedData

  // built anew for another colour scheme, or once there is something, filled below
  useEffect(() => {
    const element = place.current
    if (element === null) return
    const made = new uPlot(optionsOf(element, lines, format), data, element)
    plot.current = made
    const sizes = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }))
    sizes.observe(element)
    return () => {
      sizes.disconnect()
      made.destroy()
    }
  }, [scheme, isEmpty])
  useEffect(() => plot.current?.setData(data))

  return (
    <figure class="chart">
      <figcaption>
        <strong>{title}</strong>
        <ul class="legend">
          {lines.map(({ label, colour, dash }) => (
            <li key={label}>
              <svg width="28" height="8" aria-hidden="true">
                <line x1="0" y1="4" x2="28" y2="4" class={`stroke-${colour}`} stroke-dasharray={dash.join(' ')} />
              </svg>
              {label}
            </li>
          ))}
        </ul>
        <span class="unseen">{summary}</span>
      </figcaption>
      {isEmpty ? (
        <p class="quiet">Nothing was measured in this time.</p>
      ) : (
        <div ref={place} aria-hidden="true" class="canvas" />
      )}
    </figure>
  )
}

function optionsOf(element: HTMLElement, lines: readonly Line[], format: (value: number) => string): uPlot.Options {
  const colour = (name: string): string => colourOf(element, name)
  const axis = { stroke: colour('quiet'), grid: { stroke: colour('edge'), width: 1 }, ticks: { show: false } }
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { range: (_plot, first, last) => timeRange(first, last) },
      y: { range: (_plot, _low, high) => [0, Math.max(high * 1.1, 0.000001)] },
    },
    axes: [
      { ...axis, values: (_plot, ticks) => ticks.map(clockTime) },
      { ...axis, size: 64, values: (_plot, ticks) => ticks.map(format) },
    ],
    series: [
      {},
      ...lines.map(({ label, colour: name, dash }) => ({
        label,
        stroke: colour(name),
        width: 2,
        dash: [...dash],
        points: {
          show: true,
          size: 7,
          fill: colour(name),
          filter: (plot: uPlot, line: number) => loneSamples(plot.data[line] as (number | null)[]),
        },
      })),
    ],
  }
}

const clockTime = (seconds: number): string => new Date(seconds * 1000).toLocaleTimeString('en-GB')

/** A canvas knows no variables and no `light-dark`; a style that was computed has neither. */
function colourOf(element: HTMLElement, name: string): string {
  const probe = document.createElement('span')
  probe.style.color = `var(--${name})`
  element.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}

/** Canvases do not follow style sheets by themselves. */
function useColourScheme(): string {
  const query = '(prefers-color-scheme: dark)'
  const [dark, setDark] = useState(matchMedia(query).matches)
  useEffect(() => {
    const list = matchMedia(query)
    const hear = (): void => setDark(list.matches)
    list.addEventListener('change', hear)
    return () => list.removeEventListener('change', hear)
  }, [])
  return dark ? 'dark' : 'light'
}
