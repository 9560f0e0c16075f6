// Frames on the socket: the one place that knows their layout.
//
// All frames of a chunk are parsed at once. Replies of one turn of the event loop leave in one write; logs leave at
// once, so that a function that never gives control back has shown what it wrote.

import fs from 'node:fs'
import net from 'node:net'

import { Arena } from './arena.mjs'

export const HELLO = 1
export const EVENT = 2
export const CANCEL = 3
export const DRAIN = 4
export const RELEASE = 5
export const CALLED = 6
export const STATE = 7
export const READY = 16
export const FAILED = 17
export const REPLY = 18
export const ERROR = 19
export const LOG = 20
export const CALL = 22
export const SEND = 23
export const NEW_STATE = 24

/** Flag: the body lies in shared memory. */
export const SHARED = 1
export const INLINE_BYTES_MAX = 65536
export const FRAME_BYTES_MAX = 16 * 1024 * 1024
const HEADER_BYTES = 16
const exit = process.exit.bind(process)
const NOTHING = Buffer.alloc(0)

/** Ends the process whatever the function has made of `process.exit`. */
export function leave(status) {
  exit(status)
}

/** Socket and memory files. A process of the host's machine inherits them; a worker elsewhere, in a container say, is told where they lie. */
function channel() {
  const { TIDEMILL_WORKER_SOCKET: path, TIDEMILL_WORKER_MEMORY: memory } = process.env
  if (!path) return [new net.Socket({ fd: 3, readable: true, writable: true }), 4, 5]
  return [net.connect({ path }), ...memory.split(':').map((file) => fs.openSync(file, 'r+'))]
}

export class Wire {
  #socket
  #rest = NOTHING
  #waiting = []
  #planned = false
  #take

  /** `take(kind, flags, stream, meta, body)` gets every frame; meta and body are Buffers. */
  constructor(take) {
    this.#take = take
    const [socket, ...memory] = channel()
    this.arena = new Arena(...memory)
    this.#socket = socket
    this.#socket.on('data', (chunk) => this.#parse(chunk))
    this.#socket.on('end', () => leave(0))
    this.#socket.on('error', () => leave(0))
  }

  /** Sends one frame at the end of this turn; a large body goes through shared memory. */
  send(kind, stream, meta, body) {
    const metaBytes = Buffer.byteLength(meta)
    if (metaBytes > FRAME_BYTES_MAX - INLINE_BYTES_MAX - 12) {
      throw new RangeError('the headers or the message of the reply exceed 16 MiB')
    }
    let flags = 0
    if (body && body.length > INLINE_BYTES_MAX) {
      body = this.arena.store(stream, body)
      flags = SHARED
    }
    const bodyBytes = body ? body.length : 0
    const frame = Buffer.allocUnsafe(HEADER_BYTES + metaBytes + bodyBytes)
    frame.writeUInt32LE(12 + metaBytes + bodyBytes, 0)
    frame.writeUInt32LE(kind | (flags << 8), 4)
    frame.writeUInt32LE(stream, 8)
    frame.writeUInt32LE(metaBytes, 12)
    frame.write(meta, HEADER_BYTES, 'utf8')
    if (bodyBytes) frame.set(body, HEADER_BYTES + metaBytes)
    this.#waiting.push(frame)
    if (!this.#planned) {
      this.#planned = true
      process.nextTick(() => this.flush())
    }
  }

  /** Hands over to the socket what waits. */
  flush() {
    this.#planned = false
    const waiting = this.#waiting
    if (waiting.length === 0) return
    this.#waiting = []
    this.#socket.write(waiting.length === 1 ? waiting[0] : Buffer.concat(waiting))
  }

  /** Sends what waits, then ends the process. */
  leaveAfterSending(status) {
    this.flush()
    this.#socket.write(NOTHING, () => leave(status))
  }

  #parse(chunk) {
    let data = this.#rest.length ? Buffer.concat([this.#rest, chunk]) : chunk
    let position = 0
    const size = data.length
    while (size - position >= HEADER_BYTES) {
      const length = data.readUInt32LE(position)
      const metaBytes = data.readUInt32LE(position + 12)
      if (length > FRAME_BYTES_MAX || metaBytes + 12 > length) leave(70)
      const end = position + 4 + length
      if (end > size) break
      const metaAt = position + HEADER_BYTES
      const bodyAt = metaAt + metaBytes
      this.#take(
        data[position + 4],
        data[position + 5],
        data.readUInt32LE(position + 8),
        data.subarray(metaAt, bodyAt),
        data.subarray(bodyAt, end),
      )
      position = end
    }
    this.#rest = position < size ? data.subarray(position) : NOTHING
  }
}
