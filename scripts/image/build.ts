// `npm run image`: builds the image of the Dockerfile where there is no Docker engine and no registry of images, by
// buildah on base images that debootstrap makes. Needs root, and Debian's packages buildah and debootstrap.
import { makeBases } from './bases.ts'
import { buildImage } from './image.ts'

console.log(buildImage(makeBases()))
