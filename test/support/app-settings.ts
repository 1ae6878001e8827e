import type { Overrides } from '../../src/config/index.ts'

/** How a test's server is configured where the test says nothing else: small, quick to stop, without limits. */
export function settingsWith(overrides: Overrides, folder: string): Overrides {
  return {
    'server.host': '127.0.0.1',
    'server.port': 0,
    'data.reserve': '1 MiB',
    'limits.auth': 'off',
    'limits.api': 'off',
    'limits.upload': 'off',
    'server.shutdown_grace': '1s',
    ...overrides,
    'data.dir': folder,
  }
}
