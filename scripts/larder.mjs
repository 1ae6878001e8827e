// The one way into Larder from sources. Plain JavaScript, and it imports nothing before it has looked at Node: an older
// one cannot read TypeScript, and crashes inside better-sqlite3 where it should have said a sentence.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 7)) {
  console.error(
    `Larder needs Node 24.7 or newer; this is ${process.version} (${process.execPath}).\n` +
      'The project brings its own: run `npm ci` and start with `npm start` or `npm run larder -- COMMAND`.',
  )
  process.exit(1)
}
// Syncs of uploads, reads of downloads and sharp share libuv's pool. Four threads (its default) are all asleep in fdatasync
// when a handful of uploads end at once; the pool reads this when it is first used.
process.env.UV_THREADPOOL_SIZE ??= '16'
// Stripping types and compiling some hundred files is most of a start; what was done once is kept beside the packages.
const [{ enableCompileCache }, { fileURLToPath }] = await Promise.all([import('node:module'), import('node:url')])
enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/larder', import.meta.url)))
await import('../src/main.ts')
