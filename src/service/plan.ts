import { firstConfig, type Installation, serviceUnit, socketUnit, standardData, sysusers, user } from './units.ts'

/** A file that belongs to an installation. */
export interface PlannedFile {
  readonly path: string
  readonly mode: number
  readonly content: string
  /** Left as it is where there is one. */
  readonly isKept?: boolean
}

export interface Command {
  readonly args: readonly [string, ...string[]]
  /** Tried again for this long until it ends well. */
  readonly patienceMs?: number
}

/** Everything that installing does, in its order: the executable's copy, the files, the commands. */
export interface Plan {
  readonly files: readonly PlannedFile[]
  readonly commands: readonly Command[]
}

/** What there was before. */
export interface Before {
  /** Whether Larder was installed here already. */
  readonly isUpgrade: boolean
  /** Of `larder.socket`, where there is one. */
  readonly socketUnit?: string | undefined
}

const readyWithinMs = 30_000

/** How Larder is installed, or brought up to date: then its configuration stays, and the socket, unless it is another. */
export function planOf(installation: Installation, { isUpgrade, socketUnit: oldSocket }: Before): Plan {
  const { executable, config, data } = installation
  const socket = socketUnit(installation)
  const isMoved = oldSocket !== undefined && oldSocket !== socket
  const asOwner = ['runuser', '-u', user, '--', executable, '--config', config] as const
  const run = (...args: [string, ...string[]]): Command => ({ args })
  return {
    files: [
      { path: '/etc/sysusers.d/larder.conf', mode: 0o644, content: sysusers(installation) },
      { path: config, mode: 0o640, content: firstConfig(installation), isKept: true },
      { path: '/etc/systemd/system/larder.socket', mode: 0o644, content: socket },
      { path: '/etc/systemd/system/larder.service', mode: 0o644, content: serviceUnit(installation) },
    ],
    commands: [
      run('systemd-sysusers', 'larder.conf'),
      run('chgrp', user, config),
      ...(data === standardData ? [] : [run('install', '-d', '-o', user, '-g', user, '-m', '0700', data)]),
      run('systemctl', 'daemon-reload'),
      ...(isMoved ? [run('systemctl', 'stop', 'larder.service', 'larder.socket')] : []),
      run('systemctl', 'enable', 'larder.socket', 'larder.service'),
      run('systemctl', 'start', 'larder.socket'),
      run('systemctl', 'restart', 'larder.service'),
      { args: [...asOwner, 'healthcheck'], patienceMs: readyWithinMs },
      ...(isUpgrade ? [] : [run(...asOwner, 'user', 'setup-link')]),
    ],
  }
}
