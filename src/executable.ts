// The way into the one executable file: what `scripts/larder.mjs` is from sources.
import { ownBuild, versionText } from './version.ts'

// Syncs of uploads, reads of downloads and sharp share libuv's pool; the pool reads this when it is first used.
process.env.UV_THREADPOOL_SIZE ??= '16'
// Answered before anything else is loaded: it must also work where nothing else does.
if (process.argv.length === 3 && process.argv[2] === '--version') console.log(versionText(ownBuild()))
else void import('./main.ts')
