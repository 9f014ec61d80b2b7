import type { IntegrationState } from '../ledger/ledger.ts'

/** What leads an integration on from its state, where it is not ready for what was asked; null: nothing does. */
export function wayOn(integration: string, state: IntegrationState): string | null {
  const command = (verb: string): string => `crossfade ${verb} ${integration} --execute --reason "..."`
  switch (state) {
    case 'bare':
    case 'enrolling':
    case 'enrolled':
      return command('migrate')
    case 'finalizing':
    case 'new-only':
      return command('finalize')
    case 'abandoning':
    case 'legacy-only':
      return command('abandon')
    case 'finalized':
      return null
  }
}
