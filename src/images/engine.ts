import { availableParallelism } from 'node:os'
import sharp from 'sharp'

/**
 * The picture library and its process-wide settings. Everything here imports it from this file, so that nobody meets it unsettled.
 */

// Variants are kept on disk by us; the library's own cache would hold on to decoded pixels and open files of blobs.
sharp.cache(false)

/*
 * One thread a render. Renders run side by side (below), so a second thread each would only take the cores from the other
 * render: on two cores it made single WebP and JPEG variants no faster. It also keeps memory lower, and AVIF bytes depend
 * on the number of threads: with one, a variant made again has the digest it had.
 */
sharp.concurrency(1)

// The formats' own decoders and no other reader: no ImageMagick, PDF, raw or matrix files. A drawing (SVG) is read from
// memory alone, where it has no folder to resolve a reference in, even when it comes under another type's name.
sharp.block({ operation: ['VipsForeignLoad'] })
sharp.unblock({
  operation: [
    'VipsForeignLoadJpeg',
    'VipsForeignLoadPng',
    'VipsForeignLoadWebp',
    'VipsForeignLoadNsgif',
    'VipsForeignLoadTiff',
    'VipsForeignLoadHeif',
    'VipsForeignLoadSvgBuffer',
  ],
})

/** Node's pool of threads, which files and hashes share with renders; four unless the environment says otherwise. */
const poolThreads = Number(process.env.UV_THREADPOOL_SIZE) || 4

/**
 * Renders at once: one a core, but two threads of the pool stay free for the disk, or pictures would hold up every upload.
 * Never below two, so that a slow drawing leaves a place for photos.
 */
export const RENDERS_AT_ONCE = Math.max(2, Math.min(availableParallelism(), poolThreads - 2))

export { sharp }
