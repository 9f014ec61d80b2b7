import type { StillNew } from '../../proxy/ops/status.ts'

/** Since only new holds their latest write; and when that ends. `cohort`: of whom it is said; null: of everybody who is meant. */
export function stillNewWords(
  { secrets, quarantined, until, seconds, stores }: StillNew,
  cohort: string | null = null,
): string {
  const whose = cohort === null ? '' : ` of cohort ${cohort}`
  const answered = `${secrets} secrets${whose} are still answered by new, because only it holds the latest write`
  const left = quarantined === 0 ? '' : `; ${quarantined} of them stay so in quarantine: crossfade quarantine list`
  switch (until) {
    case 'now':
      return `no secret${whose} is answered by new any more`
    case 'estimated':
      return `${answered}; 0 in about ${seconds} s, as it went so far${left}`
    case 'store-away':
      return `${answered}; 0 after the new store is back (${stores.join(', ')} does not answer)${left}`
    case 'quarantine':
      return `${answered}; all of them are in quarantine: crossfade quarantine list`
    case 'unknown':
      return `${answered}; until when: crossfade status, once some are settled${left}`
  }
}
