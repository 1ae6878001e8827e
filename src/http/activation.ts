/** The server was to take sockets that systemd holds for it, and cannot. The message says what to do. */
export class UnusableSocket extends Error {
  override name = 'UnusableSocket'
}

/** systemd passes sockets from this descriptor on (sd_listen_fds(3)). */
const firstDescriptor = 3
const advice =
  'Start the socket first (systemctl start larder.socket), or set server.socket = "none" to listen on server.host and server.port.'

/**
 * The descriptors of the sockets that systemd passed to this process. The variables that tell of them are removed: what
 * this process starts has no such sockets.
 * @throws UnusableSocket where nothing was passed, or to somebody else.
 */
export function takePassedSockets(env: NodeJS.ProcessEnv): readonly number[] {
  const { LISTEN_PID: pid, LISTEN_FDS: count } = env
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete env[name]
  if (pid === undefined || count === undefined)
    throw new UnusableSocket(`server.socket is "systemd", and systemd passed no socket. ${advice}`)
  if (Number(pid) !== process.pid)
    throw new UnusableSocket(
      `server.socket is "systemd", and the sockets were passed to process ${pid}, not to this one (${process.pid}). What starts Larder must become it (exec), as ExecStart= of a unit does.`,
    )
  if (!/^[1-9]\d{0,2}$/.test(count))
    throw new UnusableSocket(
      `server.socket is "systemd", and LISTEN_FDS is "${count}", no number of sockets. ${advice}`,
    )
  return Array.from({ length: Number(count) }, (_, index) => firstDescriptor + index)
}
