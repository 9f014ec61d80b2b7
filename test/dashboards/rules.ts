import { parse } from 'yaml'
import { readProjectFile } from '../support/project.ts'

/** A rule of Prometheus, as its file has it: one of `alert` and `record`. */
export interface Rule {
  readonly alert?: string
  readonly record?: string
  readonly expr: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

export const RULE_FILES = ['recording.yaml', 'alerts.yaml'] as const

export const RULES_FOLDER = 'dashboards/prometheus'

const rulesIn = (file: string): readonly Rule[] => {
  const { groups } = parse(readProjectFile(`${RULES_FOLDER}/${file}`)) as { groups: readonly { rules: Rule[] }[] }
  return groups.flatMap(({ rules }) => rules)
}

export const RULES: readonly Rule[] = RULE_FILES.flatMap(rulesIn)
