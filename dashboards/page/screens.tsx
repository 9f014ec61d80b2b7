import type { JSX } from 'preact'
import type { User } from './app.tsx'
import type { Picture } from './picture.ts'
import { Burndown } from './screens/burndown.tsx'
import { Debts } from './screens/debts.tsx'
import { Events } from './screens/events.tsx'
import { Mismatches } from './screens/mismatches.tsx'
import { Phases } from './screens/phases.tsx'
import { Rates } from './screens/rates.tsx'
import { Replicas } from './screens/replicas.tsx'

export interface ScreenProps {
  readonly picture: Picture
  readonly user: User
}

interface Screen {
  /** The hash of the URL; it holds the name of a screen and nothing else. */
  readonly path: string
  readonly title: string
  readonly Screen: (props: ScreenProps) => JSX.Element
}

export const SCREENS: readonly [Screen, ...Screen[]] = [
  { path: '#phases', title: 'Phases', Screen: Phases },
  { path: '#burndown', title: 'Burndown', Screen: Burndown },
  { path: '#rates', title: 'Rates and latency', Screen: Rates },
  { path: '#mismatches', title: 'Mismatches', Screen: Mismatches },
  { path: '#debts', title: 'Debts', Screen: Debts },
  { path: '#replicas', title: 'Replicas', Screen: Replicas },
  { path: '#events', title: 'Events', Screen: Events },
]

export const screenOf = (hash: string): Screen => SCREENS.find(({ path }) => path === hash) ?? SCREENS[0]
