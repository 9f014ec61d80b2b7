import assert from 'node:assert/strict'
import type { Wanted } from '../../ledger/postgres/owing.ts'
import { type BackfillDeps, type BackfillResult, backfill as backfillSlice } from '../../migrator/backfill.ts'
import { type InventoryDeps, type InventoryResult, takeInventory as inventorySlice } from '../../migrator/inventory.ts'
import type { More, Watch } from '../../migrator/stages.ts'
import { verify as verifySlice } from '../../migrator/verify.ts'
import type { VerifyDeps, VerifyResult } from '../../migrator/verify-page.ts'

/* The stages in one slice, for tests of what they do; test/migrator/slices.test.ts cuts them. */

const whole = async <T extends { readonly kind: string }>(slice: Promise<T | More>): Promise<Exclude<T, More>> => {
  const result = await slice
  assert.ok(result.kind !== 'more', 'nothing ended this slice')
  return result as Exclude<T, More>
}

export const backfill = (deps: BackfillDeps, wanted: Wanted, watch: Watch): Promise<BackfillResult> =>
  whole<BackfillResult>(backfillSlice(deps, wanted, watch))

export const takeInventory = (
  deps: InventoryDeps,
  integration: string,
  watch: Watch,
): Promise<Exclude<InventoryResult, More>> => whole<InventoryResult>(inventorySlice(deps, integration, watch))

export const verify = (
  deps: VerifyDeps,
  integration: string,
  watch: Watch,
  options?: { readonly repair: boolean },
): Promise<VerifyResult> => whole<VerifyResult>(verifySlice(deps, integration, watch, options))
