import { html } from './html.ts'

/** Larder's mark. */
export const iconText =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1d6b50"/><g fill="#fff"><rect x="9" y="6" width="14" height="4" rx="1.2"/><path d="M10 11.5h12c1.4.8 2 1.9 2 3.3V23a3 3 0 0 1-3 3H11a3 3 0 0 1-3-3v-8.2c0-1.4.6-2.5 2-3.3z"/></g><path d="M12 16h8M12 20h5" stroke="#1d6b50" stroke-width="2" stroke-linecap="round"/></svg>'

/**
 * The mark within a page that has nothing beside it. Without one, browsers ask for `/favicon.ico`, which behind a proxy that
 * passes on a sub-path is somebody else's. A page's policy must let it: `img-src data:`.
 */
export const iconWithin = html`<link rel="icon" type="image/svg+xml" href="data:image/svg+xml,${encodeURIComponent(iconText)}">`
