// What a handler knows about its worker. All calls share it; each call sees it through an object of its own, so that
// `context.callback` answers that call and no other.

import { Logger } from './logs.mjs'
import { Response } from './response.mjs'

/** The context that all calls share. */
export function sharedContext(hello, logs, calls) {
  const trigger = hello.trigger ?? { kind: '', name: '' }
  return {
    logger: new Logger(logs),
    Response,
    userData: {},
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

/** The context as one call sees it. */
export function callContext(shared, callback) {
  const context = Object.create(shared, {
    userData: {
      get: () => shared.userData,
      set: (value) => { shared.userData = value },
    },
  })
  context.callback = callback
  return context
}
