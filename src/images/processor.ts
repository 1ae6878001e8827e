import { existsSync, readFileSync } from 'node:fs'

/** What code that is compiled for x86-64-v2 (the x86-64 psABI) makes use of, by Linux's names. */
const needed = ['popcnt', 'sse4_1', 'sse4_2', 'ssse3']

/**
 * Refuses pictures on a processor that the libraries are not made for, before they are loaded: what they do while they are
 * loaded would end the whole server ("Illegal instruction"), which serves files without them.
 * Where the machine does not tell of its processor (`ProcSubset=pid` of systemd), it is tried.
 * @throws Error with what is missing.
 */
export function requireProcessor(path = '/proc/cpuinfo'): void {
  if (process.arch !== 'x64' || !existsSync(path)) return
  const cpuinfo = readFileSync(path, 'utf8')
  const flags = /^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.split(' ')
  const missing = flags ? needed.filter((name) => !flags.includes(name)) : []
  if (missing.length === 0) return
  throw new Error(
    `pictures need a processor of x86-64-v2 (2009 or newer); this one lacks ${missing.join(', ')}, or a virtual machine hides them (in Proxmox and libvirt choose the type "host")`,
  )
}
