import { readFileSync } from 'node:fs'

/** What sharp's libraries are compiled for: x86-64-v2 of the x86-64 psABI, by the names that Linux has for its parts. */
const needed = ['cx16', 'lahf_lm', 'popcnt', 'sse4_1', 'sse4_2', 'ssse3']

const ownProcessor = (): string => (process.arch === 'x64' ? readFileSync('/proc/cpuinfo', 'utf8') : '')

/**
 * Refuses pictures on a processor that the libraries are not made for, before they are loaded: what they do while they are
 * loaded would end the whole server ("Illegal instruction"), which serves files without them.
 * @throws Error with what is missing.
 */
export function requireProcessor(cpuinfo = ownProcessor()): void {
  const flags = /^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.split(' ')
  const missing = flags ? needed.filter((name) => !flags.includes(name)) : []
  if (missing.length === 0) return
  throw new Error(
    `pictures need a processor of x86-64-v2 (2009 or newer); this one lacks ${missing.join(', ')}, or a virtual machine hides them (in Proxmox and libvirt choose the type "host")`,
  )
}
