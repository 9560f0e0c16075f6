// Errors as the host wants them: a type, a message, and the stack of the user's own frames.

import { fileURLToPath } from 'node:url'

const TEXT_BYTES_MAX = 65536
const OWN = fileURLToPath(new URL('.', import.meta.url))
const OWN_URL = new URL('.', import.meta.url).href

/** The event's body is not what its content type says; the caller's fault, hence status 400. */
export class InvalidPayload extends Error {
  name = 'InvalidPayload'
  status = 400
}

/** No function to run; the message says what to do. */
export class HandlerNotFound extends Error {
  name = 'HandlerNotFound'
}

/** The called function could not be reached or did not answer. */
export class CallFailed extends Error {
  name = 'CallFailed'
}

/** Thrown by `process.exit` in user code: it ends the call, not the worker. */
export class SystemExit extends Error {
  name = 'SystemExit'
}

/** `text`, cut with a marker if its UTF-8 form is too long. */
export function cut(text) {
  if (text.length * 3 <= TEXT_BYTES_MAX) return text
  const size = Buffer.byteLength(text)
  if (size <= TEXT_BYTES_MAX) return text
  let end = TEXT_BYTES_MAX - 48
  const data = Buffer.from(text)
  while ((data[end] & 0xc0) === 0x80) end -= 1
  return `${data.toString('utf8', 0, end)}… [cut, ${size - end} bytes]`
}

function text(value, otherwise) {
  try {
    return String(value)
  } catch {
    return otherwise
  }
}

/** `[type, message]` of anything that was thrown. */
export function describe(error) {
  if (error === null || typeof error !== 'object' || typeof error.message !== 'string') {
    return ['Error', cut(text(error, '(the error has no readable message)'))]
  }
  return [text(error.name || error.constructor?.name || 'Error', 'Error'), cut(error.message)]
}

/** The stack as text, without the frames of this folder and of Node.js itself. */
export function explain(error) {
  let stack
  try {
    stack = error?.stack
  } catch {
    stack = undefined
  }
  if (typeof stack !== 'string') return describe(error).join(': ')
  const lines = stack.split('\n').filter((line) => {
    if (line.startsWith('- ') && line.includes(OWN)) return false
    if (!/^\s+at /.test(line)) return true
    return !line.includes(OWN) && !line.includes(OWN_URL) && !line.includes('(node:') && !line.includes('at node:')
  })
  if (error.cause !== undefined && error.cause !== error) lines.push(`caused by: ${explain(error.cause)}`)
  return cut(lines.join('\n'))
}

/** The meta of an ERROR frame. */
export function errorMeta(error, userUs) {
  const [type, message] = describe(error)
  const status = error instanceof InvalidPayload ? error.status : 500
  return JSON.stringify({ type, message, traceback: explain(error), status, user_us: userUs })
}

/** The meta of a FAILED frame. */
export function failedMeta(error) {
  const [type, message] = describe(error)
  return JSON.stringify({ type, message, traceback: explain(error) })
}
