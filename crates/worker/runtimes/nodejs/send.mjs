// `context.send`: SEND frames.

import { encodeExactly } from './encode.mjs'
import { SEND } from './frames.mjs'

/** Sends a message of `call` to function `name`. Throws TypeError when it cannot be one. */
export function sendMessage(wire, call, name, body, { key, content_type: contentType, headers, delay = 0 } = {}) {
  if (typeof name !== 'string' || name === '') throw new TypeError(`context.send takes the name of a function, not ${String(name)}`)
  if (key !== undefined && key !== null && typeof key !== 'string') {
    throw new TypeError(`the key of a message is text, not ${typeof key}`)
  }
  if (typeof delay !== 'number' || !Number.isFinite(delay) || delay < 0) {
    throw new RangeError(`the delay of a message is a number of seconds, 0 or more, not ${String(delay)}`)
  }
  const [bytes, usualType] = bytesOf(body)
  const meta = { function: name, content_type: contentType ?? usualType }
  if (typeof key === 'string') meta.key = key
  if (headers) meta.headers = Object.fromEntries(Object.entries(headers).map(([header, value]) => [header, String(value)]))
  if (delay > 0) meta.delay_ms = Math.round(delay * 1000)
  wire.send(SEND, call.stream, JSON.stringify(meta), bytes)
}

/** The bytes of a message and their usual media type. */
function bytesOf(body) {
  if (body === undefined || body === null) return [Buffer.alloc(0), '']
  if (typeof body === 'string') return [Buffer.from(body), 'text/plain']
  if (body instanceof Uint8Array) return [Buffer.from(body.buffer, body.byteOffset, body.byteLength), 'application/octet-stream']
  return [Buffer.from(encodeExactly(body, 'the body of the message')), 'application/json']
}
