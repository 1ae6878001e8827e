// The way into the one executable file: what `scripts/larder.mjs` and npm's `start` are from sources.
import { accessSync, constants, writeFileSync } from 'node:fs'
import { ownBuild, versionText } from './version.ts'

const args = process.argv.slice(2)

/**
 * glibc keeps what picture decoders have freed: 700 MB instead of 220 after some large photographs. What tells it to give that
 * back is read when a process starts, so that a server that was not told begins anew: the same process, a few hundredths of a second later.
 */
const trimThreshold = { MALLOC_TRIM_THRESHOLD_: '131072' }

function beginAnewToSaveMemory(): void {
  const [first = 'serve'] = args
  const serves = first === 'serve' || first.startsWith('-')
  // Sockets that systemd hands over would be closed on the way; its unit sets the variable itself.
  if (!serves || process.env.MALLOC_TRIM_THRESHOLD_ !== undefined || process.env.LISTEN_FDS !== undefined) return
  try {
    accessSync(process.execPath, constants.X_OK)
  } catch {
    return
  }
  // Node warns of what is new in it.
  process.emitWarning = () => {}
  process.execve?.(process.execPath, [process.execPath, ...args], { ...process.env, ...trimThreshold })
}

/** Node names its first thread, which is what `pgrep` and `systemctl` would show; the arguments stay as they are. */
function nameProcess(): void {
  try {
    writeFileSync('/proc/self/comm', 'larder')
  } catch {
    // A name is not worth a fault.
  }
}

// Answered before anything else is loaded: it must also work where nothing else does.
if (args.length === 1 && args[0] === '--version') console.log(versionText(ownBuild()))
else {
  beginAnewToSaveMemory()
  nameProcess()
  // Syncs of uploads, reads of downloads and sharp share libuv's pool; the pool reads this when it is first used.
  process.env.UV_THREADPOOL_SIZE ??= '16'
  void import('./main.ts')
}
