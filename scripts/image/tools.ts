import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Where images and the roots that they are made from are kept between builds. */
export const workFolder = `${root}dist/image`

/** Runs a program, its output to this one's standard error. @throws where it fails. */
export function run(program: string, ...args: string[]): void {
  execFileSync(program, args, { cwd: root, stdio: ['ignore', 2, 2] })
}

/** What a program prints, without its last line break. @throws where it fails. */
export function outputOf(program: string, ...args: string[]): string {
  return execFileSync(program, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 2],
    maxBuffer: 64 * 1024 * 1024,
  }).trim()
}

/** buildah on a store of its own: plain folders, which need nothing of the kernel and can be looked at. */
const store = ['--root', `${workFolder}/store`, '--runroot', `${workFolder}/run`, '--storage-driver', 'vfs']
export const buildah = (...args: string[]): void => run('buildah', ...store, ...args)
export const buildahSays = (...args: string[]): string => outputOf('buildah', ...store, ...args)
