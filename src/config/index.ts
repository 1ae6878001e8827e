export { configDocs, configurationMarkdown, exampleToml, writeConfigDocs } from './docs.ts'
export { ConfigError, type Fault, type Source, sourceText } from './faults.ts'
export type { Plan } from './kinds/plans.ts'
export { type Rate, readDuration as durationMs } from './kinds/quantities.ts'
export { Secret } from './kinds/secret.ts'
export {
  type ConfigInput,
  configWith,
  defaultConfig,
  type LoadedConfig,
  loadConfig,
  type Overrides,
  type Sources,
} from './load.ts'
export { printConfig } from './print.ts'
export { hostInUrl, isEverywhere, publicUrlOf } from './public-url.ts'
export { type Config, type Door, doors, type KeyName } from './table.ts'
