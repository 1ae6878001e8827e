import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { environment, fromSources, type Outcome } from '../support/process.ts'

const loader = fileURLToPath(new URL('./cut-off.ts', import.meta.url))

/** Runs a command that ends by itself at some moment of its work, as `cut-off.ts` names them. */
export function runCutOff(cutOff: string, ...larderArgs: string[]): Promise<Outcome & { signal: string | undefined }> {
  const [command, ...args] = fromSources('--import', loader)
  const env = environment({ CUT_OFF: cutOff })
  return new Promise((resolve) => {
    execFile(command, [...args, ...larderArgs], { env }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), signal: error?.signal ?? undefined, stdout, stderr }),
    )
  })
}

/** A server's. */
export function startCutOff(cutOff: string, dir: string) {
  return runCutOff(cutOff, 'serve', '--host', '127.0.0.1', '--port', '0', '--data-dir', dir)
}
