import { createHash } from 'node:crypto'

const seal = (content: string): string =>
  `# Larder wrote the lines above, and writes them anew when it is brought up to date. Seal: ${createHash('sha256').update(content).digest('hex').slice(0, 32)}\n`

/** A file that tells whether somebody else has changed it since: see isSealed. */
export const sealed = (content: string): string => content + seal(content)

/** Whether a file is as a Larder wrote it, of whatever version, and nobody changed it. */
export function isSealed(text: string): boolean {
  const end = text.lastIndexOf('\n', text.length - 2) + 1
  return text.slice(end) === seal(text.slice(0, end))
}

/** What systemd reads of a unit: the lines that are no comments. */
export const directives = (unit: string): string =>
  unit
    .split('\n')
    .filter((line) => !/^\s*(?:[#;]|$)/.test(line))
    .join('\n')
