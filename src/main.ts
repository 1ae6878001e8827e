import { run } from './cli/index.ts'

void run(process.argv.slice(2))
