// What a handler knows about its worker. All calls share it; each call sees it through an object of its own, so that
// `context.callback` answers that call and no other, and `context.state`, `context.configs` and `context.send` are of that call.

import { Logger } from './logs.mjs'
import { Response } from './response.mjs'
import { sendMessage } from './send.mjs'

const CALL = Symbol('call')

/** The context that all calls share. */
export function sharedContext(hello, { wire, logs, calls }) {
  const trigger = hello.trigger ?? { kind: '', name: '' }
  return {
    logger: new Logger(logs),
    Response,
    userData: {},

    /** The durable state of the function, a JSON value, `{}` when none is stored yet: assign to it or change it in place. */
    get state() { return openCall(this, 'context.state', logs).state.get() },
    set state(value) { openCall(this, 'context.state', logs).state.set(value) },

    /** The configs and secrets that apply to the function now, from name to text; they come with each event. */
    get configs() { return openCall(this, 'context.configs', logs).configs },
    // A function may use the name for something of its own.
    set configs(value) { Object.defineProperty(this, 'configs', { value, writable: true, enumerable: true, configurable: true }) },

    /** Sends a message to function `name` of the project; it leaves when this execution has ended well. `delay` is in seconds. */
    send(name, body, options) { sendMessage(wire, openCall(this, 'context.send', logs), name, body, options) },

    worker_id: hello.worker ?? '',
    trigger,
    trigger_name: trigger.name,
    platform: {
      kind: 'local',
      namespace: hello.project ?? 'default',
      callFunction: (name, event, options) => calls.call(name, event ?? {}, options),
      setTerminationCallback: (callback) => { calls.terminationCallback = callback },
      setDrainCallback: (callback) => { calls.drainCallback = callback },
    },
  }
}

/** The open call that a context belongs to; for one that was copied, the call that runs. */
function openCall(context, what, logs) {
  const call = context?.[CALL] ?? logs.call()
  if (!call || call.ended) throw new Error(`${what} can be used only while an event is being handled`)
  if (what === 'context.state' && call.state === null) {
    throw new Error('this function has no state: set spec.state to function or key (context.state)')
  }
  return call
}

/** The context as one call sees it; `call` is null before the first. */
export function callContext(shared, call, callback) {
  const context = Object.create(shared, {
    userData: {
      get: () => shared.userData,
      set: (value) => { shared.userData = value },
    },
  })
  context.callback = callback
  context[CALL] = call
  return context
}
