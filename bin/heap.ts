import { setFlagsFromString } from 'node:v8'

/*
 * A process that copies makes much garbage and keeps little. Left to itself V8 lets what is young grow to 128 MB, and what is
 * old to a multiple of what is alive, so that copying 1 M secrets took twice the memory of copying 10 k, and kept it.
 * `npm run bench -- backfill` shows both (`rss_ratio_1m_10k`).
 */

/** For the command line, which alone can say it: bin/crossfade.js gives it to what lives long. */
export const YOUNG_OPTION = '--max-semi-space-size=16'

/** What is old is collected when it has grown by a fifth; by default V8 may let it grow to four times its size. */
export const keepHeapSmall = (): void => setFlagsFromString('--heap-growing-percent=20')
