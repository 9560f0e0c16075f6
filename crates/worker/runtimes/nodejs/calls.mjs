// `context.platform`: CALL frames out, CALLED frames in.

import { CALL, SHARED } from './frames.mjs'
import { CallFailed } from './failure.mjs'
import { encodeJson } from './encode.mjs'
import { mediaType } from './payload.mjs'
import { Response } from './response.mjs'

export class Calls {
  #wire
  #logs
  #waiting = new Map() // "stream/call" -> { resolve, reject }

  constructor(wire, logs) {
    this.#wire = wire
    this.#logs = logs
    this.terminationCallback = null
    this.drainCallback = null
  }

  /** Calls function `name` of the project; resolves to its Response. */
  async call(name, event, { timeout } = {}) {
    const call = this.#logs.call()
    if (call === null) throw new CallFailed('a function can be called only while an event is being handled')
    call.calls += 1
    const number = call.calls
    const [body, contentType] = bodyOf(event)
    const headers = {}
    for (const [key, value] of Object.entries(event.headers ?? {})) {
      if (key.toLowerCase() !== 'content-length') headers[key] = String(value)
    }
    const meta = {
      call: number,
      function: String(name),
      method: event.method || (body.length ? 'POST' : 'GET'),
      path: event.path || '/',
      headers,
      content_type: contentType,
    }
    const key = `${call.stream}/${number}`
    const answer = new Promise((resolve, reject) => this.#waiting.set(key, { resolve, reject }))
    this.#wire.send(CALL, call.stream, JSON.stringify(meta), body)
    if (timeout === undefined) return answer
    return Promise.race([answer, late(name, timeout)])
  }

  /** Takes a CALLED frame. */
  called(flags, stream, metaBytes, body) {
    if (flags & SHARED) body = this.#wire.arena.load(body)
    const meta = JSON.parse(metaBytes.toString())
    const key = `${stream}/${meta.call ?? 0}`
    const waiting = this.#waiting.get(key)
    if (!waiting) return
    this.#waiting.delete(key)
    if (meta.error !== undefined) waiting.reject(new CallFailed(meta.error))
    else waiting.resolve(responseOf(meta, body))
  }

  /** Forgets answers that come too late for the call that asked. */
  end(call) {
    for (let number = 1; number <= call.calls; number += 1) this.#waiting.delete(`${call.stream}/${number}`)
  }
}

function late(name, seconds) {
  return new Promise((_, reject) => {
    const timer = setTimeout(() => reject(new CallFailed(`function ${name} did not answer within ${seconds} s`)), seconds * 1000)
    timer.unref()
  })
}

function bodyOf({ body, content_type: contentType }) {
  if (body === undefined || body === null) return [Buffer.alloc(0), contentType ?? '']
  if (typeof body === 'string') return [Buffer.from(body), contentType ?? 'text/plain']
  if (body instanceof Uint8Array) return [Buffer.from(body.buffer, body.byteOffset, body.byteLength), contentType ?? '']
  return [Buffer.from(encodeJson(body)), contentType ?? 'application/json']
}

function responseOf(meta, body) {
  const contentType = meta.content_type ?? 'text/plain'
  const response = new Response(body, meta.headers ?? {}, contentType, meta.status ?? 200)
  if (body.length && mediaType(contentType) === 'application/json') {
    try {
      response.body = JSON.parse(body.toString())
    } catch {
      // then it stays as it came
    }
  }
  return response
}
