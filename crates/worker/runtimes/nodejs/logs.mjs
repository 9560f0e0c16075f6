// Everything the function says becomes LOG frames of the call that said it: `console`, writes to `process.stdout` (info) and
// `process.stderr` (warn), and `context.logger`. What is written to the descriptors 1 and 2 directly goes through the host's
// pipes by itself.
//
// Which call: the one of the asynchronous context, else the one call that is open, else nobody (stream 0). Lines are sent
// when they end; the last, unfinished line is sent when the call ends. What is kept of an unfinished line is bounded.

import { AsyncLocalStorage } from 'node:async_hooks'
import { format } from 'node:util'
import { StringDecoder } from 'node:string_decoder'
import { LOG } from './frames.mjs'
import { cut } from './failure.mjs'

const TEXT_LENGTH_MAX = 65536
/** What one call may log, in characters. Synchronous code that logs without end would otherwise fill this process's memory: nothing
 * is written to the socket before it ends. Tidemill keeps no more of a call either. */
const CALL_LENGTH_MAX = 1 << 20
const FRAME_LENGTH = 128 // what a frame costs beside its text

/** One open call: its stream, the meta of its event, what it has begun to write and, for a function with state, its state. */
export class Call {
  // Private, so that nobody who prints a context prints secrets.
  #meta
  #configs = null

  constructor(stream, meta = null) {
    this.#meta = meta
    this.stream = stream
    this.ended = false
    this.partials = null
    this.logged = 0
    this.calls = 0
    this.started = 0
    this.events = null
    this.state = null
  }

  /** The configs that came with the event: decoded on first use, since few functions have any. Its own to change. */
  get configs() {
    this.#configs ??= (this.#meta?.includes('"configs"') ? JSON.parse(this.#meta.toString()).configs : null) ?? {}
    return this.#configs
  }
}

export class Logs {
  #wire
  #nobody = new Call(0)

  constructor(wire) {
    this.#wire = wire
    /** The call that output without a context belongs to. */
    this.running = null
    /** Carries the call through asynchronous code while several may be open. */
    this.context = new AsyncLocalStorage()
  }

  /** The call the present code belongs to, or null. */
  call() {
    const call = this.context.getStore() ?? this.running
    return call === null || call.ended ? null : call
  }

  /** Sends one record. */
  emit(level, message, fields, call = this.call() ?? this.#nobody) {
    if (call.logged > CALL_LENGTH_MAX) return
    const record = { level, message: cut(message), fields, time_us: Math.round((performance.timeOrigin + performance.now()) * 1000) }
    let meta
    try {
      meta = JSON.stringify(record)
    } catch {
      meta = JSON.stringify({ ...record, fields: { unreadable: 'true' } })
    }
    if (fields && meta.length > 3 * TEXT_LENGTH_MAX) {
      meta = JSON.stringify({ ...record, fields: { cut: `${meta.length} bytes` } })
    }
    // Outside of calls a worker may log for as long as it lives.
    if (call.stream !== 0) call.logged += meta.length + FRAME_LENGTH
    this.#wire.send(LOG, call.stream, meta)
    if (call.logged > CALL_LENGTH_MAX) {
      const marker = { level: 'warn', message: 'log limit reached, further lines are dropped', time_us: record.time_us }
      this.#wire.send(LOG, call.stream, JSON.stringify(marker))
    }
    this.#wire.flush()
  }

  /** Takes a piece of a text stream: whole lines are sent, the rest waits. */
  write(level, text) {
    const call = this.call() ?? this.#nobody
    call.partials ??= {}
    const partial = (call.partials[level] ??= { text: '', dropped: 0 })
    const lines = text.split('\n')
    for (let index = 0; index < lines.length; index += 1) {
      keep(partial, lines[index])
      if (index < lines.length - 1) this.emit(level, taken(partial), undefined, call)
    }
  }

  /** Sends the unfinished lines of `call` and closes it for further output. */
  end(call) {
    for (const [level, partial] of Object.entries(call.partials ?? {})) {
      if (partial.text) this.emit(level, taken(partial), undefined, call)
    }
    call.ended = true
  }

  /** Sends unfinished lines that were written outside of any call. */
  endOfLoad() {
    const nobody = this.#nobody
    this.#nobody = new Call(0)
    this.end(nobody)
  }

  /** Puts the console and the streams in place. */
  install() {
    const levels = { debug: 'debug', log: 'info', info: 'info', warn: 'warn', error: 'error' }
    for (const [name, level] of Object.entries(levels)) {
      console[name] = (...values) => this.emit(level, format(...values))
    }
    this.#replace(process.stdout, 'info')
    this.#replace(process.stderr, 'warn')
  }

  #replace(stream, level) {
    const decoder = new StringDecoder('utf8')
    stream.write = (chunk, encoding, done) => {
      const text = typeof chunk === 'string' ? chunk : decoder.write(Buffer.from(chunk))
      this.write(level, text)
      const callback = typeof encoding === 'function' ? encoding : done
      if (callback) process.nextTick(callback)
      return true
    }
  }
}

function keep(partial, text) {
  const room = TEXT_LENGTH_MAX - partial.text.length
  if (text.length > room) {
    partial.dropped += Buffer.byteLength(text.slice(room))
    text = text.slice(0, room)
  }
  partial.text += text
}

function taken(partial) {
  let { text } = partial
  if (partial.dropped) {
    let end = TEXT_LENGTH_MAX - 48
    const data = Buffer.from(text)
    while ((data[end] & 0xc0) === 0x80) end -= 1
    text = `${data.toString('utf8', 0, end)}… [cut, ${data.length - end + partial.dropped} bytes]`
  }
  partial.text = ''
  partial.dropped = 0
  return text
}

/** `context.logger`. */
export class Logger {
  #logs
  #fields

  constructor(logs, fields = {}) {
    this.#logs = logs
    this.#fields = fields
  }

  /** Adds fields to every later record of this logger, and returns it. */
  bind(fields) {
    this.#fields = { ...this.#fields, ...fields }
    return this
  }

  debug(message, fields) { this.#log('debug', message, fields) }
  info(message, fields) { this.#log('info', message, fields) }
  warn(message, fields) { this.#log('warn', message, fields) }
  error(message, fields) { this.#log('error', message, fields) }
  debugWith(message, fields) { this.#log('debug', message, fields) }
  infoWith(message, fields) { this.#log('info', message, fields) }
  warnWith(message, fields) { this.#log('warn', message, fields) }
  errorWith(message, fields) { this.#log('error', message, fields) }

  #log(level, message, fields) {
    const text = typeof message === 'string' ? message : format(message)
    const more = fields === undefined || (fields !== null && typeof fields === 'object') ? fields : { with: fields }
    this.#logs.emit(level, text, { ...this.#fields, ...more })
  }
}
