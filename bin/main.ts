import { run } from './cli/program.ts'
import { endWithFrontDoor } from './front-door.ts'
import { keepHeapSmall } from './heap.ts'

keepHeapSmall()
endWithFrontDoor()
process.exitCode = await run(process.argv.slice(2))
// Everything was stopped, or was given up: what is still open must not keep the process. Output comes first.
process.stdout.write('', () => process.stderr.write('', () => process.exit()))
