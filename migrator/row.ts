import type { IntegrationRow, Ledger } from '../ledger/ledger.ts'

/** What the ledger says of one integration; null: it knows none of that name. */
export const rowOf = async (
  { integrations }: Pick<Ledger, 'integrations'>,
  integration: string,
): Promise<IntegrationRow | null> => (await integrations()).find((row) => row.integration === integration) ?? null
