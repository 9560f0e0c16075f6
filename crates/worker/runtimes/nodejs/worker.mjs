// The Node.js end of Tidemill's worker protocol (docs/worker-protocol.md): wait for HELLO, load the function, say READY,
// serve, drain, exit. Usually started before anybody knows which function it will run.

import { Calls } from './calls.mjs'
import { Contract } from './contract.mjs'
import { callContext, sharedContext } from './context.mjs'
import { SystemExit, failedMeta } from './failure.mjs'
import { DRAIN, FAILED, HELLO, READY, Wire, leave } from './frames.mjs'
import { enter, load } from './load.mjs'
import { Logs } from './logs.mjs'
import { Server } from './serve.mjs'

const PROTOCOL = 1
const early = [] // frames that arrive while the function is being loaded
let server = null
let failLoading = null

const wire = new Wire((...frame) => {
  if (server) server.take(...frame)
  else if (failLoading) early.push(frame)
  else begin(frame)
})
const logs = new Logs(wire)
const calls = new Calls(wire, logs)

process.on('SIGINT', () => {})
process.on('unhandledRejection', uncaught)
process.on('uncaughtException', uncaught)

function uncaught(error) {
  if (server) server.uncaught(error)
  else if (failLoading) failLoading(error)
  else leave(70)
}

function begin([kind, , , meta]) {
  if (kind === DRAIN) leave(0)
  if (kind !== HELLO) leave(70)
  const hello = JSON.parse(meta.toString())
  logs.install()
  process.exit = (status = process.exitCode ?? 0) => {
    throw new SystemExit(`the function called process.exit(${status})`)
  }
  const failure = new Promise((_, reject) => { failLoading = reject })
  Promise.race([prepare(hello), failure]).then(serve, fail)
}

async function prepare(hello) {
  enter(hello)
  const { exports, fn, name } = await load(hello)
  const shared = sharedContext(hello, { wire, logs, calls })
  const init = exports.initContext ?? exports.init_context
  if (typeof init === 'function') await init(callContext(shared, null, () => {}))
  const contract = new Contract(fn, name)
  const hasState = hello.state !== undefined && hello.state !== 'none'
  const slots = contract.isAsync ? Math.max(1, hello.slots_max ?? 1) : 1
  return { contract, shared, hasState, slots }
}

function serve({ contract, shared, hasState, slots }) {
  logs.endOfLoad()
  const version = process.versions.node
  wire.send(READY, 0, JSON.stringify({ protocol: PROTOCOL, runtime: 'nodejs', version, slots, contract: contract.kind }))
  server = new Server({ wire, logs, calls, contract, shared, hasState, slots, drained })
  for (const frame of early.splice(0)) server.take(...frame)
}

function fail(error) {
  logs.endOfLoad()
  wire.send(FAILED, 0, failedMeta(error))
  wire.leaveAfterSending(1)
}

async function drained() {
  for (const callback of [calls.drainCallback, calls.terminationCallback]) {
    try {
      await callback?.()
    } catch (error) {
      logs.emit('error', `a callback at the worker's end failed: ${error?.stack ?? error}`)
    }
  }
  logs.endOfLoad()
  wire.leaveAfterSending(0)
}
