import type { Board } from './board.ts'
import { integration } from './integration.ts'
import { migrator } from './migrator.ts'
import { overview } from './overview.ts'
import { runtime } from './runtime.ts'

/** By the name of its file in dashboards/grafana/. */
export const BOARDS: Readonly<Record<string, Board>> = { overview, integration, migrator, runtime }
