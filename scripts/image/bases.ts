import { cpSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { buildah, buildahSays, outputOf, root, run, workFolder } from './tools.ts'

/** What this machine trusts: a network that looks into what is fetched has a certificate of its own. */
const certificates = '/etc/ssl/certs/ca-certificates.crt'

/** The smallest Debian: what `debian:bookworm-slim` is, but made here. @returns its folder. */
export function minimalRoot(name = 'minimal', include: readonly string[] = []): string {
  const folder = `${workFolder}/${name}`
  if (existsSync(folder)) return folder
  const made = `${folder}.part`
  rmSync(made, { recursive: true, force: true })
  mkdirSync(made, { recursive: true })
  const more = include.length > 0 ? [`--include=${include.join(',')}`] : []
  run('debootstrap', '--variant=minbase', ...more, 'bookworm', made)
  rmSync(`${made}/var/cache/apt/archives`, { recursive: true, force: true })
  renameSync(made, folder)
  return folder
}

/** Makes the two base images that the Dockerfile takes as arguments, from Debian's packages and this machine's npm. */
export function makeBases(): { build: string; run: string } {
  return {
    run: imageOf('larder-run-base', () => minimalRoot()),
    build: imageOf('larder-build-base', () => withNode(minimalRoot('build', ['binutils', 'ca-certificates'])), [
      '--env',
      `NODE_EXTRA_CA_CERTS=${certificates}`,
    ]),
  }
}

function imageOf(name: string, make: () => string, settings: readonly string[] = []): string {
  const image = `localhost/${name}`
  if (buildahSays('images', '--format', '{{.Name}}').split('\n').includes(image)) return image
  const container = buildahSays('from', 'scratch')
  buildah('copy', container, make(), '/')
  if (settings.length > 0) buildah('config', ...settings, container)
  buildah('commit', '--rm', container, image)
  return image
}

function withNode(folder: string): string {
  const npm = resolve(dirname(outputOf('readlink', '-f', outputOf('which', 'npm'))), '..')
  const into = `${folder}/usr/local/lib/node_modules/npm`
  cpSync(npm, into, { recursive: true })
  cpSync(`${root}node_modules/node-linux-${process.arch}/bin/node`, `${folder}/usr/local/bin/node`)
  cpSync(certificates, `${folder}${certificates}`)
  run('ln', '-sf', '../lib/node_modules/npm/bin/npm-cli.js', `${folder}/usr/local/bin/npm`)
  return folder
}
