import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Arch } from './executable.ts'

/** The folder with the packages of machine code for a processor: our own, or those of the other, installed beside. */
export function packagesFor(root: string, arch: Arch): string {
  if (arch === process.arch) return join(root, 'node_modules')
  const folder = join(root, 'dist', `packages-${arch}`)
  mkdirSync(folder, { recursive: true })
  for (const file of ['package.json', 'package-lock.json', '.npmrc']) copyFileSync(join(root, file), join(folder, file))
  const modules = join(folder, 'node_modules')
  const target = ['--omit=dev', '--os=linux', `--cpu=${arch}`, '--libc=glibc', '--no-audit', '--no-fund']
  if (!existsSync(join(modules, `node-linux-${arch}`)))
    execFileSync('npm', ['ci', ...target], { cwd: folder, stdio: 'inherit' })
  return modules
}
