import { openTestApp } from './support/app.ts'

const after: (() => unknown)[] = []
const t = { after: (f: () => unknown) => void after.push(f) } as never
const run = async () => {
  const app = await openTestApp(t)
  await app.close()
  for (const f of after.splice(0).reverse()) await f()
}
await run()
const c = process.cpuUsage(),
  w = performance.now()
for (let i = 0; i < 30; i++) await run()
const d = process.cpuUsage(c)
console.log(
  'per app: wall',
  ((performance.now() - w) / 30).toFixed(0),
  'cpu user',
  (d.user / 30e3).toFixed(0),
  'sys',
  (d.system / 30e3).toFixed(0),
)
process.exit(0)
