import { run } from './cli/program.ts'
import { keepHeapSmall } from './heap.ts'

keepHeapSmall()
process.exitCode = await run(process.argv.slice(2))
