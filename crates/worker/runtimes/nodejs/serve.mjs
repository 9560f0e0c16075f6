// The open calls of one worker. A worker with one slot handles events strictly in order: the next begins when the one before
// it is answered, be that by its return, its promise or its callback. Errors nobody catches end the call they belong to.

import { CALLED, DRAIN, ERROR, EVENT, NEW_STATE, RELEASE, REPLY, SHARED, STATE } from './frames.mjs'
import { callContext } from './context.mjs'
import { errorMeta } from './failure.mjs'
import { Call } from './logs.mjs'
import { reply } from './reply.mjs'
import { State } from './state.mjs'

export class Server {
  #wire
  #logs
  #calls
  #contract
  #shared
  #hasState
  #slots
  #drained
  #stored = new Map() // stream -> the state that its event begins with
  #open = new Map()
  #queue = []
  #pumping = false
  #draining = false

  /** `drained()` is called once, after DRAIN, when nothing is open. */
  constructor({ wire, logs, calls, contract, shared, hasState, slots, drained }) {
    this.#wire = wire
    this.#logs = logs
    this.#calls = calls
    this.#contract = contract
    this.#shared = shared
    this.#hasState = hasState
    this.#slots = slots
    this.#drained = drained
  }

  /** Takes a frame. */
  take(kind, flags, stream, meta, body) {
    if (kind === EVENT) {
      this.#queue.push({ flags, stream, meta, body })
      this.#pump()
    } else if (kind === STATE) {
      this.#stored.set(stream, flags & SHARED ? this.#wire.arena.load(body) : body)
    } else if (kind === RELEASE) {
      this.#wire.arena.release(stream)
      this.#stored.delete(stream)
    } else if (kind === CALLED) {
      this.#calls.called(flags, stream, meta, body)
    } else if (kind === DRAIN) {
      this.#draining = true
      this.#pump()
    }
  }

  /** An error that nobody caught: it ends the call it belongs to, or is logged. */
  uncaught(error) {
    const call = this.#logs.call()
    if (call) this.#fail(call, error)
    else this.#logs.emit('error', `an error outside of any call: ${error?.stack ?? error}`)
  }

  #pump() {
    if (this.#pumping) return
    this.#pumping = true
    while (this.#queue.length > 0 && this.#open.size < this.#slots) {
      const event = this.#queue.shift()
      const call = new Call(event.stream, event.meta)
      this.#open.set(event.stream, call)
      this.#noteRunning()
      if (this.#slots > 1) this.#logs.context.run(call, () => this.#begin(call, event))
      else this.#begin(call, event)
    }
    this.#pumping = false
    if (this.#draining && this.#open.size === 0 && this.#queue.length === 0) {
      this.#draining = false
      this.#drained()
    }
  }

  #begin(call, { flags, meta, body }) {
    const contract = this.#contract
    try {
      if (flags & SHARED) body = this.#wire.arena.load(body)
      if (this.#hasState) {
        call.state = new State(this.#stored.get(call.stream))
        this.#stored.delete(call.stream)
      }
      const context = callContext(this.#shared, call, (value) => this.#finish(call, value))
      const { args, events } = contract.prepare(meta, body, context)
      call.events = events
      call.started = performance.now()
      const value = contract.fn.apply(undefined, args)
      if (value !== null && typeof value === 'object' && typeof value.then === 'function') {
        value.then(
          (result) => this.#returned(call, result, contract.mentionsCallback),
          (error) => this.#fail(call, error),
        )
      } else {
        this.#returned(call, value, true)
      }
    } catch (error) {
      this.#fail(call, error)
    }
  }

  /** A handler for the callback style that returned nothing has not answered yet. */
  #returned(call, value, mayCallBack) {
    if (value === undefined && mayCallBack && this.#contract.kind === 'nuclio') return
    this.#finish(call, value)
  }

  #finish(call, value) {
    if (call.ended) return
    let meta
    let body
    try {
      ;[meta, body] = reply(this.#contract.kind, value, call.events, spent(call))
      const state = call.state?.changed()
      if (state) this.#wire.send(NEW_STATE, call.stream, '', state)
    } catch (error) {
      this.#fail(call, error)
      return
    }
    this.#end(call, REPLY, meta, body)
  }

  #fail(call, error) {
    if (!call.ended) this.#end(call, ERROR, errorMeta(error, spent(call)))
  }

  #end(call, kind, meta, body) {
    if (call.partials) this.#logs.end(call)
    call.ended = true
    try {
      this.#wire.send(kind, call.stream, meta, body)
    } catch (error) {
      this.#wire.send(ERROR, call.stream, errorMeta(error, spent(call)))
    }
    if (call.calls) this.#calls.end(call)
    this.#open.delete(call.stream)
    this.#noteRunning()
    this.#pump()
  }

  /** Output without a context belongs to the call that is open if there is but one. */
  #noteRunning() {
    this.#logs.running = this.#open.size === 1 ? this.#open.values().next().value : null
  }
}

function spent(call) {
  return call.started ? Math.round((performance.now() - call.started) * 1000) : 0
}
