import { directives, sealed } from './seal.ts'
import { firstConfig, type Installation, serviceUnit, socketUnit, sysusers, user } from './units.ts'

/** A file that belongs to an installation. */
export interface PlannedFile {
  readonly path: string
  readonly mode: number
  readonly content: string
  /** Left as it is where there is one. */
  readonly isKept?: boolean
}

/** A command, and how it is run. */
export interface Step {
  readonly args: readonly [string, ...string[]]
  /** Tried again until it ends well, for as long as this unit has not given up. */
  readonly waitsFor?: string
  /** Run only where another command prints something. */
  readonly onlyIf?: { readonly args: readonly [string, ...string[]]; readonly prints: RegExp; readonly words: string }
}

/** Everything that installing does, in its order: the executable's copy, the files, the steps. */
export interface Plan {
  readonly files: readonly PlannedFile[]
  readonly steps: readonly Step[]
}

/** What is there already. */
export interface Existing {
  /** Of `larder.socket`, where there is one. */
  readonly socketUnit?: string | undefined
  /** What has to be done for the data folder to be the service's: nothing where it is that already, or systemd sees to it. */
  readonly folder: 'none' | 'make' | 'give'
}

/** In `larder user list`: an owner who has no address and no password yet. */
export const ownerNotSetUp = /^\(not set up\) .* owner /m

/** How Larder is installed, or brought up to date: then its configuration stays, and the socket, unless it is another. */
export function planOf(installation: Installation, { socketUnit: oldSocket, folder }: Existing): Plan {
  const { executable, config, data } = installation
  const socket = socketUnit(installation)
  const isMoved = oldSocket !== undefined && directives(oldSocket) !== directives(socket)
  const asOwner = ['runuser', '-u', user, '--', executable, '--config', config] as const
  const run = (...args: [string, ...string[]]): Step => ({ args })
  return {
    files: [
      { path: '/etc/sysusers.d/larder.conf', mode: 0o644, content: sealed(sysusers(installation)) },
      { path: config, mode: 0o640, content: firstConfig(installation), isKept: true },
      { path: '/etc/systemd/system/larder.socket', mode: 0o644, content: sealed(socket) },
      { path: '/etc/systemd/system/larder.service', mode: 0o644, content: sealed(serviceUnit(installation)) },
    ],
    steps: [
      run('systemd-sysusers', 'larder.conf'),
      run('chgrp', user, config),
      ...(folder === 'none' ? [] : [run('install', '-d', '-o', user, '-g', user, '-m', '0700', data)]),
      run('systemctl', 'daemon-reload'),
      ...(isMoved ? [run('systemctl', 'stop', 'larder.service', 'larder.socket')] : []),
      run('systemctl', 'enable', 'larder.socket', 'larder.service'),
      run('systemctl', 'start', 'larder.socket'),
      run('systemctl', 'restart', 'larder.service'),
      { args: [...asOwner, 'healthcheck'], waitsFor: 'larder.service' },
      {
        args: [...asOwner, 'user', 'setup-link'],
        onlyIf: {
          args: [...asOwner, 'user', 'list'],
          prints: ownerNotSetUp,
          words: 'where the owner is not set up yet',
        },
      },
    ],
  }
}
