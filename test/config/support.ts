import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { ConfigError, type ConfigInput, type Fault, loadConfig } from '../../src/config/index.ts'
import type { Kind } from '../../src/config/kinds/kind.ts'

/** A folder of its own, gone after the test, with these files in it. */
export function folderWith(t: TestContext, files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'larder-config-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

/** What is wrong with a configuration that must not load. */
export function faultsOf(input: ConfigInput): readonly Fault[] {
  return errorOf(input).faults
}

export function errorOf(input: ConfigInput): ConfigError {
  try {
    loadConfig(input)
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    return error
  }
  throw new assert.AssertionError({ message: 'the configuration loaded' })
}

/** The value a kind reads from a text; undefined where it refuses. */
export function readText<T>(kind: Kind<T>, text: string): T | undefined {
  const reading = kind.fromText(text)
  return reading.ok ? reading.value : undefined
}

/** The value a kind reads from a parsed TOML value; undefined where it refuses. */
export function readToml<T>(kind: Kind<T>, raw: unknown): T | undefined {
  const reading = kind.fromToml(raw)
  return reading.ok ? reading.value : undefined
}
