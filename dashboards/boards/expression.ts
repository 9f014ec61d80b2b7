import type { SyntaxNode } from '@lezer/common'
import { parser } from '@prometheus-io/lezer-promql'

/** What one expression asks for. */
export interface Asked {
  /** Each metric with the labels that are matched on it. */
  readonly metrics: readonly { readonly name: string; readonly labels: readonly string[] }[]
  /** Labels by which it is grouped, joined or ranked. */
  readonly grouping: readonly string[]
}

/** Grafana's own words, with something in their place that Prometheus understands. */
export const filled = (expr: string, window: string, variables: Readonly<Record<string, string>> = {}): string =>
  Object.entries(variables).reduce(
    (text, [name, value]) => text.replaceAll(`$${name}`, value),
    expr.replaceAll('$__rate_interval', window),
  )

/** Throws where it is no PromQL. */
export function askedBy(expr: string): Asked {
  const metrics: { name: string; labels: string[] }[] = []
  const grouping: string[] = []
  const text = ({ from, to }: { readonly from: number; readonly to: number }): string => expr.slice(from, to)
  parser.parse(expr).iterate({
    enter: (node) => {
      if (node.type.isError) throw new Error(`no PromQL at ${node.from}: ${expr}`)
      if (node.name === 'VectorSelector') metrics.push({ name: nameOf(node.node, text), labels: [] })
      if (node.name !== 'LabelName') return
      const isMatcher = node.node.parent?.name === 'UnquotedLabelMatcher'
      if (isMatcher) metrics.at(-1)?.labels.push(text(node))
      else grouping.push(text(node))
    },
  })
  return { metrics, grouping }
}

const nameOf = (selector: SyntaxNode, text: (node: SyntaxNode) => string): string => {
  const name = selector.getChild('Identifier')
  return name === null ? '' : text(name)
}
