import { endOnSignal, listenToOperator } from './signals.ts'
import { watchOutput } from './watch-output.ts'

// Before all that takes its time to load.
endOnSignal()
if (process.argv[2] === 'serve') listenToOperator()
watchOutput()

await import('./program.ts')
