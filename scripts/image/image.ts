import { ownBuild } from '../../src/version.ts'
import { buildah, buildahSays, outputOf, root } from './tools.ts'

export const image = 'localhost/larder'

/** What an image says of how it is run: of the configuration in its description, what is looked at here. */
export interface ImageConfig {
  readonly User: string
  readonly Env: readonly string[]
  readonly Entrypoint: readonly string[]
  readonly Cmd: readonly string[]
  readonly Volumes: Readonly<Record<string, object>>
  readonly ExposedPorts: Readonly<Record<string, object>>
  readonly Labels: Readonly<Record<string, string>>
  readonly StopSignal: string
  readonly Healthcheck: { readonly Test: readonly string[] }
}

/** Builds the Dockerfile on two base images. @returns the image's name. */
export function buildImage(bases: { build: string; run: string }): string {
  buildah(
    'bud',
    '--isolation',
    'chroot',
    // What Docker's engine reads: the other format has no health check.
    '--format',
    'docker',
    ...['--build-arg', `BUILD_BASE=${bases.build}`, '--build-arg', `RUN_BASE=${bases.run}`],
    ...['--build-arg', `VERSION=${ownBuild().version}`],
    ...['--build-arg', `SOURCE_COMMIT=${outputOf('git', 'rev-parse', '--short=12', 'HEAD')}`],
    ...['--tag', image, root],
  )
  return image
}

/** The image's description. */
export function configOfImage(): ImageConfig {
  const { Docker } = JSON.parse(buildahSays('inspect', '--type', 'image', image)) as { Docker: { config: ImageConfig } }
  return Docker.config
}

/** Bytes of the image, all layers together. */
export function sizeOfImage(): string {
  return buildahSays('images', '--format', '{{.Size}}', image)
}

/** Lays the image's files out; gives their folder, and the way to take it away. */
export function mountImage(): { folder: string; remove: () => void } {
  const container = buildahSays('from', image)
  return { folder: buildahSays('mount', container), remove: () => buildah('rm', container) }
}
